// slot_guard.hpp: the WAL that a slot may retain on the source [T-03], and what is done when it is too much. Pure.
#pragma once

#include "base/error.hpp"
#include "config/task_config.hpp"
#include "task/slot_watch.hpp"

#include <cstdint>
#include <optional>

namespace walbridge::task {

/// How much WAL more makes a slot worth an alert: the key, and well before a limit that is smaller.
[[nodiscard]] std::uint64_t warning_bytes(const TaskConfig::Slot &settings);

/// True when the slot is to be dropped now.
[[nodiscard]] bool must_drop(const TaskConfig::Slot &settings, const SlotStatus &slot);

/// The part of what the server lets the slot retain (max_slot_wal_keep_size) that is still left, 0 to 1; 0 also when
/// the slot is beyond it. nullopt: the server has no limit.
[[nodiscard]] std::optional<double> room_left(const SlotStatus &slot);

/// Error(slot_limit). `failure`: why the slot could not be dropped; empty = it was.
[[nodiscard]] Error limit_error(const TaskConfig &config, std::int64_t retained, const std::string &failure);

/// The same, found later by a mark (limit_mark.hpp) that does not say how much it was.
[[nodiscard]] Error untold_limit_error(const TaskConfig &config);

} // namespace walbridge::task
