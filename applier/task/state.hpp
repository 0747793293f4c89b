// state.hpp: the states of a task (decision 2) and what they allow.
#pragma once

#include <optional>
#include <string_view>

namespace walbridge::task {

enum class State {
    fresh, ///< "new": nothing was created
    prechecking,
    schema,      ///< creating objects
    full,        ///< copying rows
    catching_up, ///< following, behind the source
    running,     ///< following, caught up
    paused,
    retrying, ///< an error that time may cure
    failed,   ///< an error that needs somebody
    draining,
    switched_over, ///< refuses run, resume and takeover for ever
    completed,     ///< a task without incremental stage, done
    released,
};

[[nodiscard]] std::string_view name_of(State state);
[[nodiscard]] std::optional<State> state_of(std::string_view name);

/// How far the stored work is: what a start goes on with. Nothing stored = a new task.
enum class Phase { none, load, follow, done };

[[nodiscard]] std::string_view name_of(Phase phase);
/// An empty name is Phase::none; nullopt for a name that is none of ours.
[[nodiscard]] std::optional<Phase> phase_of(std::string_view name);

/// Whether `walbridge run` may work on a task in this state.
[[nodiscard]] bool may_run(State state);

} // namespace walbridge::task
