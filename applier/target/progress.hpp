// progress.hpp: what the fenced progress row of a task says, on whichever target (architecture, "Exactly once" 1).
// Nothing else decides what the target holds. A task's process takes the row over once at its start and then moves it
// only with statements that name the position and the epoch it knows; no row hit = somebody else took the task over.
#pragma once

#include "base/lsn.hpp"

#include <cstdint>

namespace walbridge::target {

struct Progress {
    std::uint64_t epoch = 0;
    Lsn position;              ///< everything up to here is on the target
    std::uint64_t counter = 0; ///< of the last applied transaction
};

} // namespace walbridge::target
