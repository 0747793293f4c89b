// row_json.hpp: rows as JSON for records and errors, those of the target and those in transit alike: numbers as
// numbers, bytes as "\x0aff", everything else as the server's text.
#pragma once

#include "base/mysql/session.hpp"
#include "target/target.hpp"

#include <string>

namespace walbridge::target::mysql {

/// A row of the target is shown whole up to this size, in bytes.
inline constexpr std::size_t longest_shown_row = 65536;

/// The SELECT list from which met_row() reads: every column of the table, long values by their length.
[[nodiscard]] std::string shown_columns(const TablePlan &plan);
/// A row of such a SELECT.
[[nodiscard]] MetRow met_row(const TablePlan &plan, const my::Result &rows, int row);

/// A planned row as far as its values travelled, as the target would hold it.
[[nodiscard]] std::string row_json(const TablePlan &plan, Row row);

} // namespace walbridge::target::mysql
