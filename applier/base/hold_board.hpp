// hold_board.hpp: whether work is held at the moment, since when and why, and for how long it was held in all: for the
// status. Who holds notes it, the reporter reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace walbridge {

/// Thread-safe. Figures are of the process.
class HoldBoard {
  public:
    using Clock = std::chrono::steady_clock;

    struct View {
        std::optional<std::int64_t> since; ///< Unix seconds; nullopt = not held
        std::string reason, action;        ///< of the hold under way, else of the last one; "stop", "slow"
        std::uint64_t times = 0;           ///< holds, the one under way included
        double held_seconds = 0;           ///< in all, the one under way included
    };

    /// Of a hold under way: only the words change.
    void hold(std::string reason, std::string action) {
        const std::lock_guard lock(mutex_);
        view_.reason = std::move(reason);
        view_.action = std::move(action);
        if (view_.since) return;
        view_.since =
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                .count();
        began_ = Clock::now();
        ++view_.times;
    }
    /// How many seconds the hold took; 0 when there was none.
    double release() {
        const std::lock_guard lock(mutex_);
        if (!view_.since) return 0;
        const auto seconds = seconds_held();
        view_.held_seconds += seconds;
        view_.since.reset();
        return seconds;
    }
    [[nodiscard]] View view() const {
        const std::lock_guard lock(mutex_);
        auto view = view_;
        if (view.since) view.held_seconds += seconds_held();
        return view;
    }

  private:
    [[nodiscard]] double seconds_held() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

    mutable std::mutex mutex_;
    View view_;
    Clock::time_point began_{};
};

} // namespace walbridge
