// retry_window.hpp: decides whether work that failed is tried again, and waits before it is: within the task's retry
// windows, with growing pauses, never silently. One thread owns it.
#pragma once

#include "base/error.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace walbridge::source {

/// True when the same work may succeed later: the connection broke, the server is short of something, a lock or
/// deadlock.
[[nodiscard]] bool transient(const Error &error);

class RetryWindow {
  public:
    RetryWindow(const TaskConfig::Retry &retry, const StopToken &stop) : retry_(retry), stop_(stop) {}

    /// To be called from a catch block. Logs the error, waits, and returns true: try again; false: a stop was
    /// requested. Rethrows the error when a retry cannot cure it or the window is over.
    bool again(const Error &error, std::string_view what);

    /// Work succeeded: the next failure opens a new window.
    void succeeded() { since_.reset(); }

  private:
    const TaskConfig::Retry &retry_;
    const StopToken &stop_;
    std::optional<std::chrono::steady_clock::time_point> since_;
    std::chrono::milliseconds pause_{0};
};

} // namespace walbridge::source
