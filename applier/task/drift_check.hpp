// drift_check.hpp: compares the definitions of both sides once after a start, in a thread and with sessions of its own:
// neither the stream nor the task's fate depends on it. While the target is behind, a difference may be DDL that is on
// its way: it is reported when it is still there after the target has applied what the source had written at the first
// look.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "schema/compare/compare.hpp"
#include "task/live.hpp"

#include <thread>
#include <vector>

namespace walbridge::task {

/// The differences of `first` that `second` shows as well; those of objects that changed meanwhile are left out.
[[nodiscard]] std::vector<schema::compare::Difference> lasting(const std::vector<schema::compare::Difference> &first,
                                                               const std::vector<schema::compare::Difference> &second);

class DriftCheck {
  public:
    /// Starts the thread; it ends when the comparison is done. The references must outlive the object.
    DriftCheck(const TaskConfig &config, Live &live);
    ~DriftCheck();
    DriftCheck(const DriftCheck &) = delete;
    DriftCheck &operator=(const DriftCheck &) = delete;

  private:
    void work();
    /// False: the process ends.
    bool wait_until_caught_up();
    bool wait_until_applied(std::uint64_t lsn);
    void report(const std::vector<schema::compare::Difference> &differences);

    const TaskConfig &config_;
    Live &live_;
    StopToken end_;
    std::thread thread_;
};

} // namespace walbridge::task
