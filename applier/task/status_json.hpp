// status_json.hpp: the running process's view as JSON: what the reporter stores each second in walbridge.task.status.
#pragma once

#include "config/task_config.hpp"
#include "task/conflict_records.hpp"
#include "task/figures.hpp"
#include "task/live.hpp"
#include "task/slot_watch.hpp"
#include "task/source_cost.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// Keeps the readings that rates need from one second to the next. Belongs to the reporter's thread.
class StatusWriter {
  public:
    explicit StatusWriter(const TaskConfig &config) : config_(config) {}

    /// State as shown: schema and full, catching-up, running and paused are derived from the live figures.
    [[nodiscard]] static State shown_state(const Live &live);
    /// Of the task as a whole, else of whatever in the load has been failing for the longest time.
    [[nodiscard]] static std::optional<Live::Retrying> retrying(const Live &live);

    /// What the reporter read on the source, and its age; records of conflicts that appeared on the target.
    struct Source {
        std::optional<SlotStatus> slot;
        double slot_age_seconds = 0;
        std::optional<SourceCost> cost;
        std::vector<ConflictCounter::Figure> conflicts{};
    };
    /// `alerts`: Alerter::summary().
    [[nodiscard]] std::string write(const Live &live, const Source &source, const std::string &alerts);
    /// The lag of the last write().
    [[nodiscard]] std::optional<double> lag() const { return lag_; }
    /// The line of the progress bar; empty when nothing is being copied.
    [[nodiscard]] std::string bar(const Live &live, int width);

  private:
    const TaskConfig &config_;
    std::optional<double> lag_;
    RateMeter rows_, bytes_, changes_;
    std::map<QualifiedName, std::pair<RateMeter, RateMeter>> tables_;
};

} // namespace walbridge::task
