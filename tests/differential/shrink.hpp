// shrink.hpp: makes a failing case smaller for as long as it fails.
#pragma once

#include "runner.hpp"

namespace walbridge::differential {

/// The smallest case found, within `attempts` runs; what it shows goes to `verdict`.
[[nodiscard]] Case shrink(CaseRunner &runner, Case failing, Verdict &verdict, int attempts = 600);

} // namespace walbridge::differential
