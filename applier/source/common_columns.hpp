// common_columns.hpp: which columns of a table two databases have in common, where the target's was there before the
// task [O-09]. Pure.
#pragma once

#include "source/shape.hpp"

#include <string>
#include <vector>

namespace walbridge::source {

struct CommonColumns {
    std::vector<std::string> names;      ///< of the source: both have them and the target's can be written
    std::vector<std::string> left_out;   ///< of the source: the target has none, or computes its own
    std::vector<std::string> only_there; ///< of the target: nothing of the source goes there
};

/// Of what travels. Columns that the source computes belong to neither list: the target may compute them or not have
/// them.
[[nodiscard]] CommonColumns common_columns(const Shape &source, const Table &target);

/// What travels without the columns that are left out.
[[nodiscard]] Shape without(Shape source, const std::vector<std::string> &left_out);

/// "a, b", or "" for none: for reports.
[[nodiscard]] std::string listed(const std::vector<std::string> &columns);

} // namespace walbridge::source
