// conflict_inbox.hpp: what an operator decides about conflicts [B-07], whether a process runs the task or not.
//
// Of a change that stopped the task the decision is written down, and the applier follows it when it meets the change
// again: skip or overwrite. What a policy passed over before is brought to the target at once (conflict_replay.hpp).
#pragma once

#include "config/task_config.hpp"
#include "task/conflict_records.hpp"
#include "task/conflict_replay.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

struct ConflictResolution {
    ConflictAction action = ConflictAction::skip;
    std::vector<std::string> ids; ///< empty = those of the filter that wait for a decision or were passed over
    ConflictFilter filter;
    std::string edit; ///< JSON object, for ConflictAction::edit
    bool force = false;
};

struct ResolvedConflicts {
    std::string text;     ///< a line about each
    bool complete = true; ///< false: some were refused
};

/// Each in a transaction of its own, in the order of the source. A single one that is refused throws Error(conflict).
[[nodiscard]] ResolvedConflicts resolve_conflicts(const TaskConfig &config, const ConflictResolution &resolution);

/// For `resume --skip`: decides that the change which stopped the task is passed over; a line about it. Throws
/// Error(task_state) when the task did not stop at a conflict.
[[nodiscard]] std::string skip_stopping_conflict(const TaskConfig &config);

} // namespace walbridge::task
