// operator_commands.hpp: what an operator asks of a task from any host: status, pause, resume, stop, wait, reset,
// release. None of them needs the process: they speak through the task's row on the target (decision 3).
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace walbridge::task {

/// The state of the task as text for people or as JSON: the target's rows, joined with the slot's figures from the
/// source when it can be reached. Throws when the target cannot be reached.
[[nodiscard]] std::string status(const TaskConfig &config, bool json);

/// `request`: "pause", "resume" or "stop". Waits for the process's answer and returns one line about it; without a
/// process a pause or resume is stored for the next run. Throws Error(timeout) when the process does not answer.
[[nodiscard]] std::string control(const TaskConfig &config, const std::string &request,
                                  std::chrono::milliseconds patience);

/// Returns when everything committed on the source before the call is durable on the target [T-17]. Throws
/// Error(timeout) after `timeout`, or the error the task failed with meanwhile.
void wait_until_durable(const TaskConfig &config, std::optional<std::chrono::milliseconds> timeout);

/// Starts over: removes the slot and what is stored; with `truncate` also empties the target's tables. Refuses while a
/// process runs. Returns lines about what was done.
[[nodiscard]] std::string reset(const TaskConfig &config, bool truncate);

struct ReleaseResult {
    std::string text;     ///< what was done, and the SQL for a side that could not be reached
    bool complete = true; ///< false: one side still needs its SQL
};

/// The end of a task: slot, origin, changed identities and the stored state are removed on the sides that can be
/// reached; for the others the statements are returned.
[[nodiscard]] ReleaseResult release(const TaskConfig &config);

} // namespace walbridge::task
