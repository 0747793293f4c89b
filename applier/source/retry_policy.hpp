// retry_policy.hpp: whether a failure may be cured by time, how long to wait, and when to give up (decision 5,
// requirement T-04). Pure: no clock, no sleep; the caller passes the time.
#pragma once

#include "base/error.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace walbridge::source {

enum class RetryClass {
    connection, ///< a server is not there: the window `retry.connection`
    other,      ///< deadlock, lock timeout, disk full, too many connections, slot still held: the window `retry.other`
    never,      ///< a decision is needed
};

/// What the kind alone says. A server's answer (SqlError) of a kind that is `never` here may still be curable by its
/// SQLSTATE: see below.
[[nodiscard]] RetryClass class_of(ErrorKind kind);

[[nodiscard]] RetryClass classify(const Error &error);

/// True when the same work may succeed later.
[[nodiscard]] inline bool transient(const Error &error) { return classify(error) != RetryClass::never; }

/// The failures of one outage: exponential pauses with jitter inside the window of their class.
class RetryBackoff {
  public:
    using Clock = std::chrono::steady_clock;

    explicit RetryBackoff(const TaskConfig::Retry &limits, std::uint64_t seed = 1)
        : limits_(limits), random_(seed | 1) {}

    /// Notes a failure at `now`. The pause before the next attempt; nullopt = give up (the class is never, or the
    /// window is over).
    std::optional<std::chrono::milliseconds> failed(RetryClass kind, Clock::time_point now);

    /// Something worked: the next failure opens a new window.
    void succeeded();

    [[nodiscard]] int attempts() const { return attempts_; }
    /// When the outage began; meaningful while attempts() > 0.
    [[nodiscard]] Clock::time_point since() const { return since_; }

  private:
    TaskConfig::Retry limits_;
    std::uint64_t random_;
    int attempts_ = 0;
    Clock::time_point since_{};
};

} // namespace walbridge::source
