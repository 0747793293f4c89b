// alignment_server.hpp: answers a verification that asks the running process to stand still with a snapshot of the
// source: the process's half of verify/snapshot_pair.hpp. One thread with a session of its own on the target while a
// request is answered; apply is held for as long as the asker needs for two snapshots, and never longer than the lease.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "task/live.hpp"

#include <atomic>
#include <optional>
#include <thread>

namespace walbridge::task {

class AlignmentServer {
  public:
    AlignmentServer(const TaskConfig &config, Live &live) : config_(config), live_(live) {}
    AlignmentServer(const AlignmentServer &) = delete;
    AlignmentServer &operator=(const AlignmentServer &) = delete;
    ~AlignmentServer();

    /// Somebody asks. No effect while an earlier request is answered.
    void answer();

    /// SQL of a condition: somebody asks this task ($1).
    static constexpr const char *asked_sql =
        "EXISTS (SELECT FROM walbridge.verify_alignment a WHERE a.task = $1 AND a.state = 'asked')";

  private:
    void work();

    const TaskConfig &config_;
    Live &live_;
    StopToken end_;
    std::atomic<bool> busy_{false};
    std::thread thread_;
};

} // namespace walbridge::task
