// side_by_side.hpp: rows of two servers as a table for people: one line per column, those that differ marked.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// A line: the column's name and its value on each side; nullopt = NULL, or no such column there (`absent`).
struct SideBySideLine {
    std::string name;
    std::vector<std::optional<std::string>> values;
    bool differs = false;
};

/// What stands for a value that a side does not have.
inline constexpr const char *absent_value = "-";

/// `heads` stands over the values. Long values are cut, line ends are blanks.
[[nodiscard]] std::string side_by_side(const std::vector<std::string> &heads, const std::vector<SideBySideLine> &lines);

} // namespace walbridge::task
