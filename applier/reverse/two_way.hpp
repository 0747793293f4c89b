// two_way.hpp: from one way to two and back while the forward task goes on [M-05, M-06].
//
// The way back begins at its slot's consistent point on the forward target: what others commit there from then on is
// brought to the forward source, what they committed before belongs to nobody's way back. Neither task carries what the
// other one brought: each leaves out the other's replication origins. The way back's row on the forward source says
// whose it is before it applies anything, and the forward stream, which began before, begins anew when it meets its
// first change (pipeline/returning.hpp).
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <string>

namespace walbridge::reverse {

struct TwoWayOptions {
    std::string name;     ///< of the way back; empty = derived
    bool dry_run = false; ///< precheck of the way back and its file's text; nothing is changed
};

/// Writes the way back's task file beside `file`, prechecks it, creates its slot and notes the link of both tasks.
/// Taken back as a whole when a step fails. Returns text for people. Throws Error(task_state) where it is not possible
/// now or at all, Error(precheck), and what the start of a task throws.
[[nodiscard]] std::string add_way_back(const TaskConfig &forward, const std::string &file, const TwoWayOptions &options,
                                       const StopToken &stop);

/// Stops the way back and removes its slot, origins and state; the forward task, which has to run, is not touched. Its
/// origins go last: only when the forward task has passed everything that the way back wrote. Returns text for people.
/// Throws Error(task_state) when there is none, Error(timeout) when the forward task does not get there in time: to be
/// repeated.
[[nodiscard]] std::string remove_way_back(const TaskConfig &forward, const std::string &file,
                                          std::chrono::milliseconds patience);

} // namespace walbridge::reverse
