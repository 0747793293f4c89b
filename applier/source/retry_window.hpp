// retry_window.hpp: waits before work that failed is tried again: within the task's retry windows, with growing pauses,
// never silently. One thread owns it.
#pragma once

#include "base/error.hpp"
#include "base/retry_board.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "source/retry_policy.hpp"

#include <string_view>

namespace walbridge::source {

class RetryWindow {
  public:
    /// `board`: where the retries are shown; nullptr = only in the log.
    RetryWindow(const TaskConfig::Retry &retry, const StopToken &stop, RetryBoard *board = nullptr);
    RetryWindow(const RetryWindow &) = delete;
    RetryWindow &operator=(const RetryWindow &) = delete;
    ~RetryWindow() { succeeded(); }

    /// To be called from a catch block. Logs the error, waits, and returns true: try again; false: a stop was
    /// requested. Rethrows the error when a retry cannot cure it or the window is over.
    bool again(const Error &error, std::string_view what);

    /// Work succeeded: the next failure opens a new window.
    void succeeded();

  private:
    const StopToken &stop_;
    RetryBoard *board_;
    RetryBackoff backoff_;
};

} // namespace walbridge::source
