// throttle_settings.hpp: limits that are set while a task runs. They stand in the task's row on the target, win over
// the task file, hold over restarts, and are taken back by a reset [F-06, I-13]. The process learns of them through its
// reporter and answers through its status.
#pragma once

#include "config/task_config.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::task {

/// Keys of the section [throttle] that were set, with their values; keys that are absent are the task file's.
using ThrottleOverrides = std::map<std::string, std::uint64_t>;

/// "copy_rows=50000", "apply_bytes=5MB", ... Throws Error(usage) that names what is not understood.
[[nodiscard]] ThrottleOverrides parse_throttle(const std::vector<std::string> &words);

/// As stored: a JSON object, empty text for none. What a newer version stored and this one does not know is left out.
[[nodiscard]] std::string throttle_json(const ThrottleOverrides &overrides);
[[nodiscard]] ThrottleOverrides stored_throttle(const std::string &text);

/// What holds: the overrides over the file.
[[nodiscard]] TaskConfig::Throttle effective(const TaskConfig::Throttle &file, const ThrottleOverrides &overrides);

/// Every key with its value in force, as one writes it: "copy_rows" -> "50000".
[[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> values(const TaskConfig::Throttle &throttle);
[[nodiscard]] std::string written_throttle(const std::string &key, std::uint64_t value);

/// `walbridge throttle set`, `show` and `reset` (of single keys, or of all). They return when the running process has
/// taken note; the text says what holds now. Throw Error(task_state) when the target knows no such task.
[[nodiscard]] std::string set_throttle(const TaskConfig &config, const std::vector<std::string> &words);
[[nodiscard]] std::string reset_throttle(const TaskConfig &config, const std::vector<std::string> &keys);
[[nodiscard]] std::string show_throttle(const TaskConfig &config, bool json);

} // namespace walbridge::task
