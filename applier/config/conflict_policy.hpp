// conflict_policy.hpp: the words for what wins when a row meets another state on the target.
#pragma once

#include <string_view>

namespace walbridge {

enum class ConflictPolicy {
    fail,              ///< the task stops
    ignore,            ///< the target's row stays
    overwrite,         ///< the source's row wins
    last_update_wins,  ///< the younger commit wins [C-03]
    first_update_wins, ///< the older commit wins
};

/// "last-update-wins": as task files and records write it.
[[nodiscard]] std::string_view name_of(ConflictPolicy policy);

/// The policy of that name. Throws std::invalid_argument for another one; task files are checked before.
[[nodiscard]] ConflictPolicy parse_conflict_policy(std::string_view name);

/// Whether commit times decide.
[[nodiscard]] constexpr bool by_time(ConflictPolicy policy) {
    return policy == ConflictPolicy::last_update_wins || policy == ConflictPolicy::first_update_wins;
}

} // namespace walbridge
