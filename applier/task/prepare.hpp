// prepare.hpp: a task begun and left at its slot: everything that comes later on its source will be followed by whoever
// runs it.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"

namespace walbridge::task {

/// Prechecks the task, creates its slot and stores its plan; copies nothing. For tasks with the incremental stage only.
/// Throws as the start of a new task does; Error(task_state) when it was started before.
void prepare(const TaskConfig &config, const StopToken &stop);

} // namespace walbridge::task
