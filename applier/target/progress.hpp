// progress.hpp: what the fenced progress row of a task says, on whichever target (architecture, "Exactly once" 1).
// Nothing else decides what the target holds. A task's process takes the row over once at its start and then moves it
// only with statements that name the position and the epoch it knows; no row hit = somebody else took the task over.
#pragma once

#include "base/lsn.hpp"

#include <cstdint>
#include <optional>

namespace walbridge::target {

/// A source transaction of which the target holds the beginning: DDL that commits by itself took along what was before
/// it. It comes again from its first change.
struct BegunTransaction {
    Lsn commit_lsn;
    std::uint64_t changes = 0; ///< so many of its first changes are on the target
};

struct Progress {
    std::uint64_t epoch = 0;
    Lsn position;                            ///< everything up to here is on the target
    std::uint64_t counter = 0;               ///< of the last applied transaction
    std::optional<BegunTransaction> begun{}; ///< behind `position`
};

} // namespace walbridge::target
