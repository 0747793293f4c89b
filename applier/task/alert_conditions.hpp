// alert_conditions.hpp: which figures of a task are worth an alert, with reason and remedy. Pure.
#pragma once

#include "alert/watch.hpp"
#include "base/error.hpp"
#include "config/task_config.hpp"
#include "task/live.hpp"
#include "task/slot_watch.hpp"
#include "task/source_cost.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// What is known at one moment; what is missing was not seen and changes no alert.
struct Observation {
    State state = State::fresh; ///< as shown
    std::optional<Live::Retrying> retrying;
    std::int64_t unix_now = 0;
    std::optional<double> lag_seconds;
    std::optional<SlotStatus> slot;
    std::string sync_slot_name{};          ///< of the task that brings tables for this one
    std::optional<SlotStatus> sync_slot{}; ///< unset: there is none
    std::optional<SourceCost> cost;
    std::map<std::string, bool> conflicts; ///< kind -> recorded within the last hour
    std::optional<std::int64_t> ddl_undecided;
    std::optional<std::int64_t> held_since{}; ///< by the source guard, Unix seconds
    std::string held_because{};
    std::optional<std::int64_t> objects_failed{}; ///< changes of the task's tables that stopped
};

[[nodiscard]] std::vector<alert::Condition> alert_conditions(const TaskConfig &config, const Observation &seen);

/// The task ended with an error.
[[nodiscard]] alert::Condition failure_condition(const Error &error);
inline constexpr const char *failure_event = "task_failed";
inline constexpr const char *conflict_event = "conflict:"; ///< and the kind

} // namespace walbridge::task
