// throttle.hpp: limits per second that may change while work is under way: queries, rows and bytes, shared by threads;
// and a hold beside them, under which nothing goes on.
//
// Work is taken first and paid for afterwards: whoever took something waits until the rate has paid for everything
// taken up to then. So nothing is buffered for the sake of a limit, workers are served in the order they took, and a
// change of the limit reaches those who wait at once.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

namespace walbridge {

/// One rate. Pure: the caller passes the time. Not thread-safe.
class TokenBucket {
  public:
    using Clock = std::chrono::steady_clock;
    using Ticket = double;

    /// What stood still may be made up for this long afterwards: short enough not to be noticed as a burst.
    static constexpr double burst_seconds = 0.1;

    /// 0 = no limit. What is owed stays owed and is paid at the new rate.
    void set_rate(double per_second, Clock::time_point now);
    [[nodiscard]] double rate() const { return rate_; }

    /// Takes `amount`; the ticket says up to where has to be paid before its holder goes on.
    Ticket take(double amount, Clock::time_point now);
    /// How long that will take; 0 = it is paid.
    [[nodiscard]] Clock::duration until(Ticket ticket, Clock::time_point now);

  private:
    void settle(Clock::time_point now);
    double rate_ = 0;
    double taken_ = 0, paid_ = 0; ///< since the beginning
    Clock::time_point at_{};      ///< when paid_ was right
};

/// Thread-safe.
class Throttle {
  public:
    using Clock = TokenBucket::Clock;

    struct Amounts {
        std::uint64_t queries = 0, rows = 0, bytes = 0;
        bool operator==(const Amounts &) const = default;
    };
    struct Ticket {
        TokenBucket::Ticket queries = 0, rows = 0, bytes = 0;
    };

    /// Per second, 0 = no limit. Takes effect at once, also for those who wait.
    void set(const Amounts &per_second);
    [[nodiscard]] Amounts limits() const;
    /// False while nothing is limited or held: a caller need not count. Costs nothing.
    [[nodiscard]] bool active() const noexcept { return active_.load(std::memory_order_relaxed); }

    /// Nobody passes from now on, whatever the limits say. `let_go`: who holds locks and can do its work anew gives it
    /// up instead of waiting (wants_room()); a later call takes that back.
    void hold(bool let_go = false);
    /// At most so many bytes pass per second until release(), if the limits do not say less; at least 1.
    void slow(std::uint64_t bytes_per_second);
    /// Ends hold() and slow().
    void release();
    [[nodiscard]] bool held() const noexcept { return held_.load(std::memory_order_relaxed); }
    /// Held, and others wait for what the work has locked.
    [[nodiscard]] bool wants_room() const noexcept { return held() && let_go_.load(std::memory_order_relaxed); }
    /// What went through pass() since the beginning: how fast work is when nobody holds it.
    [[nodiscard]] std::uint64_t passed_bytes() const noexcept { return passed_bytes_.load(std::memory_order_relaxed); }

    Ticket take(const Amounts &amounts);
    /// A ticket for everything that anybody has taken so far.
    [[nodiscard]] Ticket taken();
    [[nodiscard]] Clock::duration until(const Ticket &ticket);
    /// Waits up to `time`, less when the limits change.
    void wait(Clock::duration time);

    /// Takes and waits until it is paid and nobody holds. `stopping` is asked at least ten times a second; false: it
    /// said yes.
    template <class Stopping> bool pass(const Amounts &amounts, Stopping &&stopping) {
        passed_bytes_.fetch_add(amounts.bytes, std::memory_order_relaxed);
        if (!active()) return true;
        const auto ticket = take(amounts);
        for (;;) {
            const auto left = held() ? Clock::duration::max() : until(ticket);
            if (left <= Clock::duration::zero()) return true;
            if (stopping()) return false;
            wait(std::min<Clock::duration>(left, std::chrono::milliseconds(100)));
        }
    }

    /// How much may go together so that the rate shows no steps: a twentieth of a second's worth. The largest number
    /// when there is no limit.
    [[nodiscard]] std::uint64_t rows_at_once() const { return rows_at_once_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t bytes_at_once() const { return bytes_at_once_.load(std::memory_order_relaxed); }

  private:
    void put_into_force(); ///< with the mutex

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t changes_ = 0; ///< of the limits and the hold
    Amounts limits_;
    std::uint64_t slow_bytes_ = 0; ///< 0 = not slowed
    std::atomic<bool> held_{false}, let_go_{false};
    std::atomic<std::uint64_t> passed_bytes_{0};
    TokenBucket queries_, rows_, bytes_;
    std::atomic<bool> active_{false};
    static constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();
    std::atomic<std::uint64_t> rows_at_once_{unlimited}, bytes_at_once_{unlimited};
};

} // namespace walbridge
