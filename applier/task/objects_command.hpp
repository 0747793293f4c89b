// objects_command.hpp: what an operator asks about a running task's tables, from any host: add, remove, copy once more,
// give up, and which tables there are and why. Requests are rows of walbridge.object_change; the task's process answers
// by changing them (sync_keeper.hpp).
#pragma once

#include "config/task_config.hpp"
#include "task/object_changes.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

struct ObjectsRequest {
    ObjectChange::Action action = ObjectChange::Action::add;
    std::vector<std::string> patterns; ///< as written; of a resync names of tables
    bool empties = false;              ///< add: what the target's tables hold goes first
    bool wait = false;                 ///< until it is done, not only until the process has taken it up
    std::optional<std::chrono::milliseconds> timeout;
    bool json = false;
};

/// Checks the request against both databases, stores it and waits for the process. Returns what became of it.
/// Throws Error: usage (a pattern that names nothing), configuration (the task file leaves the table out), task_state
/// (the task is not following, or has the table already), target_shape (the target's table is in the way), timeout, or
/// the error that the sync task stopped with.
[[nodiscard]] std::string change_objects(const TaskConfig &config, const ObjectsRequest &request);

/// Gives up what is under way; what the target holds of the tables by then stays there and is not followed.
[[nodiscard]] std::string cancel_objects(const TaskConfig &config, std::chrono::milliseconds patience);

/// Every table of the source that the task has, or with `all` every table: why, under which name and rule, and how far
/// it is.
[[nodiscard]] std::string show_objects(const TaskConfig &config, bool all, bool json);

} // namespace walbridge::task
