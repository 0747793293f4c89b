// unfollowed.hpp: what the source's WAL does not carry, large objects and unlogged tables: whether the target still has
// what the source has [O-20]. Comparing reads them all, so it is done before the outage; behind the fence the counters
// of the source's server prove that nothing was written to them since.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>

namespace walbridge::switchover {

struct Unfollowed {
    std::string difference, remedy; ///< empty = none was found
    std::string note;               ///< "12 large objects are the same on both sides"
    bool noteworthy = false;        ///< the operator should read the note
};

/// One kind of data that is not followed.
struct UnfollowedKind {
    const char *gate; ///< id of the gate that asks for it
    /// How often the source's server saw it written to, as a text to be compared with a later one. nullopt: the server
    /// does not count reliably (before 15 the counters travel by UDP, track_counts may be off).
    std::optional<std::string> (*writes)(pg::Session &source, const TaskConfig &config);
    /// Reads both sides, for `limit` at most; what takes longer is a difference.
    Unfollowed (*compare)(pg::Session &source, pg::Session &target, const TaskConfig &config,
                          std::chrono::milliseconds limit);
};

extern const std::array<UnfollowedKind, 2> unfollowed_kinds;

} // namespace walbridge::switchover
