// throttle.cpp: see throttle.hpp.
#include "base/throttle.hpp"

namespace walbridge {

void TokenBucket::settle(Clock::time_point now) {
    if (rate_ > 0) {
        const double seconds = std::chrono::duration<double>(now - at_).count();
        paid_ = std::min(paid_ + std::max(seconds, 0.0) * rate_, taken_ + burst_seconds * rate_);
    } else {
        paid_ = taken_;
    }
    at_ = now;
}

void TokenBucket::set_rate(double per_second, Clock::time_point now) {
    settle(now);
    rate_ = per_second;
    paid_ = std::min(paid_, taken_); // what one rate left over is not another's
}

TokenBucket::Ticket TokenBucket::take(double amount, Clock::time_point now) {
    settle(now);
    taken_ += amount;
    return taken_;
}

TokenBucket::Clock::duration TokenBucket::until(Ticket ticket, Clock::time_point now) {
    settle(now);
    if (rate_ <= 0 || ticket <= paid_) return Clock::duration::zero();
    constexpr double longest = 3600; // a change of the rate asks again anyway
    const double seconds = std::min((ticket - paid_) / rate_, longest);
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds)) +
           std::chrono::microseconds(1);
}

void Throttle::put_into_force() {
    const auto at_once = [](std::uint64_t rate) {
        return rate == 0 ? unlimited : std::max<std::uint64_t>(rate / 20, 1);
    };
    const auto bytes = slow_bytes_ == 0     ? limits_.bytes
                       : limits_.bytes == 0 ? slow_bytes_
                                            : std::min(limits_.bytes, slow_bytes_);
    const auto now = Clock::now();
    queries_.set_rate(static_cast<double>(limits_.queries), now);
    rows_.set_rate(static_cast<double>(limits_.rows), now);
    bytes_.set_rate(static_cast<double>(bytes), now);
    rows_at_once_ = at_once(limits_.rows);
    bytes_at_once_ = at_once(bytes);
    active_ = held_ || slow_bytes_ != 0 || limits_ != Amounts{};
    ++changes_;
}

void Throttle::set(const Amounts &per_second) {
    {
        const std::lock_guard lock(mutex_);
        limits_ = per_second;
        put_into_force();
    }
    changed_.notify_all();
}

void Throttle::hold(bool let_go) {
    {
        const std::lock_guard lock(mutex_);
        if (held_ && let_go_ == let_go) return;
        slow_bytes_ = 0;
        let_go_ = let_go;
        held_ = true;
        put_into_force();
    }
    changed_.notify_all();
}

void Throttle::slow(std::uint64_t bytes_per_second) {
    {
        const std::lock_guard lock(mutex_);
        held_ = false;
        slow_bytes_ = std::max<std::uint64_t>(bytes_per_second, 1);
        put_into_force();
    }
    changed_.notify_all();
}

void Throttle::release() {
    {
        const std::lock_guard lock(mutex_);
        held_ = false;
        slow_bytes_ = 0;
        put_into_force();
    }
    changed_.notify_all();
}

Throttle::Amounts Throttle::limits() const {
    const std::lock_guard lock(mutex_);
    return limits_;
}

Throttle::Ticket Throttle::take(const Amounts &amounts) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    return {queries_.take(static_cast<double>(amounts.queries), now),
            rows_.take(static_cast<double>(amounts.rows), now), bytes_.take(static_cast<double>(amounts.bytes), now)};
}

Throttle::Ticket Throttle::taken() { return take({}); }

Throttle::Clock::duration Throttle::until(const Ticket &ticket) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    return std::max(
        {queries_.until(ticket.queries, now), rows_.until(ticket.rows, now), bytes_.until(ticket.bytes, now)});
}

void Throttle::wait(Clock::duration time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&, before = changes_] { return changes_ != before; });
}

} // namespace walbridge
