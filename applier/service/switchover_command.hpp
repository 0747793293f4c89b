// switchover_command.hpp: walbridge switchover and walbridge switchback.
#pragma once

#include "config/task_config.hpp"
#include "service/cli.hpp"

namespace walbridge::service {

/// Asks before it fences anything (--yes answers). Returns the exit code.
int run_switchover(const TaskConfig &config, const CommandLine &line);

/// The same for the task of the way back; `config` is the task that was switched over.
int run_switchback(const TaskConfig &config, const CommandLine &line);

/// Asks on a terminal; elsewhere --yes is needed. Throws Error(usage) without a yes.
void confirm(const CommandLine &line, const std::string &question);

} // namespace walbridge::service
