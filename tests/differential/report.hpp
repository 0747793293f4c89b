// report.hpp: a failing case for people.
#pragma once

#include "runner.hpp"

#include <string>

namespace walbridge::differential {

/// Schema, rows before, changes, both results and what differs.
[[nodiscard]] std::string report(const Case &made, const Verdict &verdict);

} // namespace walbridge::differential
