// range.hpp: the pieces a table is compared in. A range is bounded by values of the first key column, lower bound
// inclusive, the first and the last one open, so that together they hold every row of both sides.
#pragma once

#include "base/postgres/session.hpp"
#include "verify/table_pair.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::verify {

struct Range {
    std::optional<std::string> low, high; ///< text of the first key column
};

/// Ranges between the bounds.
[[nodiscard]] std::vector<Range> ranges_between(const std::vector<std::string> &bounds);

/// `pieces` - 1 bounds at equal distances of a sorted sample, without repetitions.
[[nodiscard]] std::vector<std::string> quantiles(const std::vector<std::string> &sorted, std::size_t pieces);

/// Ranges of about `bytes` each; one when the table cannot be cut.
[[nodiscard]] std::vector<Range> cut(pg::Session &source, const TablePair &table, std::uint64_t bytes);

/// The condition that selects the rows of a range; empty = all.
[[nodiscard]] std::string condition(const TablePair &table, const Range &range, Side side);

} // namespace walbridge::verify
