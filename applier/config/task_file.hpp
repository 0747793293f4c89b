// task_file.hpp: reads a task file (TOML) into a TaskConfig and refuses what it does not know, with line and remedy.
#pragma once

#include "config/task_config.hpp"

#include <string>
#include <string_view>

namespace walbridge {

/// Reads and validates the file, secrets included. Throws Error(configuration) whose object is `file:line: key`.
[[nodiscard]] TaskConfig load_task_config(const std::string &path);

/// The same from text; `origin` stands for the file's name in errors.
[[nodiscard]] TaskConfig parse_task_config(std::string_view toml, const std::string &origin);

} // namespace walbridge
