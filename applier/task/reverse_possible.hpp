// reverse_possible.hpp: what keeps a task from having a way back that runs beside it (decision 12). Pure.
#pragma once

#include "config/task_config.hpp"

#include <optional>
#include <string>

namespace walbridge::task {

/// Why the task's file cannot be turned around; nullopt = it can.
[[nodiscard]] std::optional<std::string> reverse_obstacle(const TaskConfig &forward);

} // namespace walbridge::task
