// channel.cpp: the queue, the tries and the end.
#include "alert/channel.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace walbridge::alert {

Channel::Channel(std::unique_ptr<Carrier> carrier, Pauses pauses)
    : carrier_(std::move(carrier)), pauses_(std::move(pauses)), thread_([this] { work(); }) {}

Channel::~Channel() { finish(std::chrono::steady_clock::now()); }

void Channel::send(std::string json) {
    bool dropped = false;
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        if (waiting_.size() >= capacity) {
            waiting_.pop_front();
            ++figures_.failed;
            figures_.last_failure = "too many were waiting";
            dropped = true;
        }
        waiting_.push_back(std::move(json));
    }
    changed_.notify_all();
    if (dropped) log::warning("an alert was given up: too many are waiting", {{"by", name()}});
}

void Channel::finish(std::chrono::steady_clock::time_point until) {
    {
        std::unique_lock lock(mutex_);
        if (ended_) return;
        finishing_ = true;
        changed_.notify_all();
        changed_.wait_until(lock, until, [&] { return waiting_.empty() && !busy_; });
        ended_ = true;
    }
    changed_.notify_all();
    carrier_->abort();
    thread_.join();
}

Channel::Figures Channel::figures() const {
    const std::lock_guard lock(mutex_);
    return figures_;
}

void Channel::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
        if (ended_) return;
        const auto json = std::move(waiting_.front());
        waiting_.pop_front();
        busy_ = true;
        lock.unlock();
        deliver(json);
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

void Channel::deliver(const std::string &json) {
    for (std::size_t attempt = 0;; ++attempt) {
        const auto outcome = carrier_->carry(json);
        std::unique_lock lock(mutex_);
        if (outcome.delivered) {
            ++figures_.delivered;
            return;
        }
        const bool last = attempt == pauses_.size() || ended_;
        figures_.last_failure = outcome.detail;
        if (last) ++figures_.failed;
        lock.unlock();
        log::warning(last ? "an alert was given up" : "an alert could not be delivered and is tried again",
                     {{"by", name()}, {"reason", outcome.detail}, {"attempt", attempt + 1}});
        if (last) return;
        lock.lock();
        // A process about to end has no time for long pauses.
        const auto until = std::chrono::steady_clock::now() + pauses_[attempt];
        const auto soon = std::chrono::steady_clock::now() +
                          std::min<std::chrono::milliseconds>(pauses_[attempt], std::chrono::milliseconds(500));
        while (!ended_) {
            const auto end = finishing_ ? std::min(until, soon) : until;
            if (changed_.wait_until(lock, end) == std::cv_status::timeout && std::chrono::steady_clock::now() >= end)
                break;
        }
    }
}

} // namespace walbridge::alert
