// throttle.hpp: a share of the servers' reading that a verification may take. Safe from every thread.
#pragma once

#include "base/stop_token.hpp"

#include <chrono>
#include <cstdint>
#include <mutex>

namespace walbridge::verify {

class Throttle {
  public:
    using Clock = std::chrono::steady_clock;
    /// 0 = no limit.
    explicit Throttle(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

    /// When the next `bytes` may be read; they are counted as read from then on.
    Clock::time_point reserve(std::uint64_t bytes, Clock::time_point now) {
        if (rate_ == 0) return now;
        const std::lock_guard lock(mutex_);
        const auto at = std::max(now, free_);
        free_ = at + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate_)));
        return at;
    }
    /// Waits until they may be read; false when a stop was requested.
    bool wait(std::uint64_t bytes, const StopToken &stop) {
        const auto now = Clock::now();
        const auto at = reserve(bytes, now);
        return !stop.wait_for(std::chrono::duration_cast<std::chrono::milliseconds>(at - now));
    }

  private:
    const std::uint64_t rate_;
    std::mutex mutex_;
    Clock::time_point free_{};
};

} // namespace walbridge::verify
