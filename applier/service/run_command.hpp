// run_command.hpp: `walbridge run`: a process that lives until the task ends or a signal asks it to.
#pragma once

#include "config/task_config.hpp"

namespace walbridge::service {

/// SIGTERM and SIGINT stop cleanly: what is applied is committed, the slot is kept. A second signal ends the process at
/// once, which is as safe as a kill. Returns the exit code; throws the error that ended the task.
int run_task(const TaskConfig &config);

} // namespace walbridge::service
