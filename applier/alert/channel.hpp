// channel.hpp: a carrier with a queue and a thread of its own: who tells something never waits, and one carrier that
// hangs does not hold up another. Alerts leave in order; one that cannot be delivered is tried a few times and then
// given up, counted and logged.
//
// Threads: send(), finish() and figures() from anywhere; the channel's thread alone calls carry().
#pragma once

#include "alert/carrier.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace walbridge::alert {

class Channel {
  public:
    struct Figures {
        std::uint64_t delivered = 0, failed = 0;
        std::string last_failure;
    };
    using Pauses = std::vector<std::chrono::milliseconds>;

    /// One try, and one more after each pause.
    explicit Channel(std::unique_ptr<Carrier> carrier,
                     Pauses pauses = {std::chrono::seconds(1), std::chrono::seconds(4), std::chrono::seconds(15),
                                      std::chrono::seconds(60)});
    ~Channel();
    Channel(const Channel &) = delete;
    Channel &operator=(const Channel &) = delete;

    /// At most `capacity` wait; beyond it the oldest is given up.
    void send(std::string json);
    /// Waits until everything has left, but not beyond `until`; then what is under way is given up. Nothing can be sent
    /// afterwards.
    void finish(std::chrono::steady_clock::time_point until);

    [[nodiscard]] Figures figures() const;
    [[nodiscard]] std::string name() const { return carrier_->name(); }

    static constexpr std::size_t capacity = 100;

  private:
    void work();
    /// Tries one alert until it is delivered or given up.
    void deliver(const std::string &json);

    std::unique_ptr<Carrier> carrier_;
    const Pauses pauses_;
    mutable std::mutex mutex_; ///< of all that follows
    std::condition_variable changed_;
    std::deque<std::string> waiting_;
    Figures figures_;
    bool busy_ = false, finishing_ = false, ended_ = false;
    std::thread thread_; ///< last: it uses the others
};

} // namespace walbridge::alert
