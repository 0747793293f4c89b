// watch.hpp: when an alert is sent and when its recovery: once per event each, however often the condition is looked
// at. Pure: no clock and no I/O; the caller passes the time.
//
// A condition is over its threshold, clear, or between the two; what is between keeps an event as it is, and a change
// counts only when it has held for a while. So a figure that swings around its threshold is one alert and not many. A
// condition that is not mentioned was not seen: its event stays as it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::alert {

enum class Severity { warning, critical };

using Figures = std::vector<std::pair<std::string, double>>;

/// How one thing stands now.
struct Condition {
    enum class Level { clear, between, over };

    std::string event; ///< "lag", "slot_retained", "conflict:insert_exists": documented in docs/alerts.md
    Level level = Level::clear;
    Severity severity = Severity::warning;
    std::string reason{}, remedy{};
    Figures figures{};
    std::chrono::milliseconds raise_after{0};                        ///< over for so long before it fires
    std::chrono::milliseconds clear_after{std::chrono::seconds(30)}; ///< clear for so long before it is resolved
};

/// Something to be told.
struct Notice {
    std::string event;
    bool firing = true; ///< false: resolved
    Severity severity = Severity::warning;
    std::int64_t since = 0; ///< Unix seconds: when the condition began
    std::string reason{}, remedy{};
    Figures figures{};
};

class Watch {
  public:
    using Clock = std::chrono::steady_clock;

    /// An event that an earlier process told of and that was not resolved.
    void restore(Notice notice);

    /// Whatever was told of it: the next time it is a new event.
    void forget(const std::string &event);

    /// What is to be told now, in the order of `conditions`.
    std::vector<Notice> observe(Clock::time_point now, std::int64_t unix_now, const std::vector<Condition> &conditions);

    /// Told and not resolved, with the latest reason and figures.
    [[nodiscard]] std::vector<Notice> firing() const;

  private:
    struct Event {
        Notice notice;
        bool told = false;
        bool changing = false; ///< the condition says something else than what was told
        Clock::time_point changing_since{};
        std::int64_t began = 0; ///< Unix seconds of the same
    };
    std::map<std::string, Event> events_;
};

} // namespace walbridge::alert
