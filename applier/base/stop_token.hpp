// stop_token.hpp: one request to stop, shared by the threads of a task; every wait in the process listens to it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace walbridge {

/// Thread-safe. Once requested, a stop is never taken back.
class StopToken {
  public:
    void request() {
        {
            const std::lock_guard lock(mutex_);
            requested_ = true;
        }
        changed_.notify_all();
    }

    [[nodiscard]] bool requested() const {
        const std::lock_guard lock(mutex_);
        return requested_;
    }

    /// Waits up to `time`; true when a stop was requested.
    bool wait_for(std::chrono::milliseconds time) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, [&] { return requested_; });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool requested_ = false;
};

} // namespace walbridge
