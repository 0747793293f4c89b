// value_text.hpp: how durations, sizes and names are written in a task file, and which known word was probably meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::config {

/// "250ms", "10s", "12min", "2h", "7d"; nullopt for anything else, also for a number without a unit and for overflow.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest exact form: "12min", not "720s".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds time);

/// "512kB", "64MB", "1GB", "2TB" (powers of 1024) or a number of bytes; nullopt for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
/// The shortest exact form: "64MB", "1000" (bytes).
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// A task name: [a-z0-9_]{1,40}.
[[nodiscard]] bool valid_task_name(std::string_view name);

/// TASK_sync_NUMBER: such tasks bring tables for TASK, which removes them and their slots when it is done with them.
[[nodiscard]] bool is_sync_task_name(std::string_view name);

/// The candidate with the smallest edit distance to `word`; nullopt when none is near enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string> &candidates);

/// "a, b or c".
[[nodiscard]] std::string enumerate(const std::vector<std::string> &words);

} // namespace walbridge::config
