// figures.hpp: the arithmetic of status: rates, times to go, lag. Pure; the caller passes the time.
#pragma once

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace walbridge::task {

/// The rate of a counter over the last seconds; calm enough to read, quick enough to notice a stall.
class RateMeter {
  public:
    using Clock = std::chrono::steady_clock;
    void add(Clock::time_point now, std::uint64_t total);
    /// Per second; 0 until two readings exist.
    [[nodiscard]] double per_second() const;

  private:
    std::deque<std::pair<Clock::time_point, std::uint64_t>> readings_;
};

/// Seconds until `total` at `per_second`; nullopt when it cannot be said (no rate, no estimate, more done than
/// estimated).
[[nodiscard]] std::optional<double> eta_seconds(std::uint64_t done, std::uint64_t total, double per_second);

/// What lag is judged by [B-11]; times in microseconds since 2000-01-01 UTC, 0 = none yet; lags -1 = none yet.
struct LagInput {
    std::int64_t now = 0;
    std::int64_t applied_commit_time = 0, heartbeat_sent = 0;
    std::int64_t last_lag = -1, heartbeat_lag = -1;
    std::int64_t heartbeat_interval = 0; ///< 0 = off
    bool caught_up = false;              ///< connected, not paused, nothing waits
};

/// Seconds the target is behind, from commit times and heartbeats, never from LSN arithmetic. Caught up: how long the
/// newest transaction or heartbeat took from the source's commit to the target. Else, or when heartbeats stay away: the
/// age of the newest one that arrived. nullopt: nothing arrived yet.
[[nodiscard]] std::optional<double> lag_seconds(const LagInput &input);

/// For people: "1.4 GB", "12,345", "3 min 20 s".
[[nodiscard]] std::string human_bytes(double bytes);
[[nodiscard]] std::string human_count(std::uint64_t count);
[[nodiscard]] std::string human_seconds(double seconds);

/// One line of `width` characters at most: bar, percent, figures.
[[nodiscard]] std::string progress_line(const std::string &phase, std::uint64_t done, std::uint64_t total,
                                        const std::string &figures, int width);

} // namespace walbridge::task
