// watch.cpp: one step of the state machine of each event: quiet -> (over for a while) -> told -> (clear for a while) ->
// quiet.
#include "alert/watch.hpp"

namespace walbridge::alert {

void Watch::restore(Notice notice) {
    notice.firing = true;
    auto &event = events_[notice.event];
    event = Event{};
    event.told = true;
    event.notice = std::move(notice);
}

void Watch::forget(const std::string &event) { events_.erase(event); }

std::vector<Notice> Watch::observe(Clock::time_point now, std::int64_t unix_now,
                                   const std::vector<Condition> &conditions) {
    std::vector<Notice> tell;
    for (const auto &condition : conditions) {
        auto &event = events_[condition.event];
        if (condition.level == Condition::Level::over) {
            event.notice.severity = condition.severity;
            event.notice.reason = condition.reason;
            event.notice.remedy = condition.remedy;
        }
        event.notice.event = condition.event;
        event.notice.figures = condition.figures;
        const auto changed = event.told ? Condition::Level::clear : Condition::Level::over;
        if (condition.level != changed) {
            event.changing = false;
            continue;
        }
        if (!event.changing) {
            event.changing = true;
            event.changing_since = now;
            event.began = unix_now;
        }
        if (now - event.changing_since < (event.told ? condition.clear_after : condition.raise_after)) continue;
        event.changing = false;
        event.told = !event.told;
        event.notice.firing = event.told;
        if (event.told) {
            event.notice.since = event.began;
            tell.push_back(event.notice);
        } else {
            auto resolved = event.notice;
            if (!condition.reason.empty()) resolved.reason = condition.reason;
            resolved.remedy.clear();
            tell.push_back(std::move(resolved));
        }
    }
    return tell;
}

std::vector<Notice> Watch::firing() const {
    std::vector<Notice> told;
    for (const auto &[name, event] : events_)
        if (event.told) told.push_back(event.notice);
    return told;
}

} // namespace walbridge::alert
