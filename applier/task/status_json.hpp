// status_json.hpp: the running process's view as JSON: what the reporter stores each second in walbridge.task.status.
#pragma once

#include "config/task_config.hpp"
#include "task/figures.hpp"
#include "task/live.hpp"
#include "task/slot_watch.hpp"

#include <map>
#include <optional>
#include <string>

namespace walbridge::task {

/// Keeps the readings that rates need from one second to the next. Belongs to the reporter's thread.
class StatusWriter {
  public:
    explicit StatusWriter(const TaskConfig &config) : config_(config) {}

    /// State as shown: schema and full, catching-up, running and paused are derived from the live figures.
    [[nodiscard]] static State shown_state(const Live &live);

    [[nodiscard]] std::string write(const Live &live, const std::optional<SlotStatus> &slot, double slot_age_seconds);
    /// The line of the progress bar; empty when nothing is being copied.
    [[nodiscard]] std::string bar(const Live &live, int width);

  private:
    const TaskConfig &config_;
    RateMeter rows_, bytes_, changes_;
    std::map<QualifiedName, std::pair<RateMeter, RateMeter>> tables_;
};

} // namespace walbridge::task
