// alert_conditions.cpp: thresholds, each with a gap below it so that a figure that swings is one event.
#include "task/alert_conditions.hpp"

#include "task/figures.hpp"
#include "task/slot_guard.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

using alert::Condition;
using alert::Severity;
using Level = Condition::Level;

/// A copy that the source guard holds for so long does not end tonight.
constexpr std::chrono::minutes long_hold{10};

/// Clear below four fifths of the threshold.
Level level_of(double value, double threshold) {
    return value >= threshold ? Level::over : value < threshold * 0.8 ? Level::clear : Level::between;
}

/// An alert that is switched off ends one that an earlier process sent.
Condition off(const char *event) {
    return {.event = event, .level = Level::clear, .reason = "this alert is switched off now", .remedy = {}};
}

std::string bytes(std::int64_t value) { return human_bytes(static_cast<double>(value)); }

void add_retained(std::vector<Condition> &out, const TaskConfig &config, const std::string &name,
                  const SlotStatus &slot) {
    if (!slot.retained_bytes) return;
    const auto retained = static_cast<double>(*slot.retained_bytes);
    const auto remedy = std::string(
        "Find out what keeps the task behind (walbridge status), or make room on the source. A task that is "
        "not needed any more is ended with walbridge release.");
    const auto add = [&](const char *event, std::uint64_t threshold, Severity severity, const char *key) {
        if (threshold == 0) return out.push_back(off(event));
        out.push_back(
            {.event = event,
             .level = level_of(retained, static_cast<double>(threshold)),
             .severity = severity,
             .reason = fmt::format("slot {} retains {} of WAL on the source; {} is {}", name,
                                   bytes(*slot.retained_bytes), key, human_bytes(static_cast<double>(threshold))),
             .remedy = remedy,
             .figures = {{"retained_bytes", retained}, {"threshold_bytes", static_cast<double>(threshold)}}});
    };
    add("slot_retained", warning_bytes(config.slot), Severity::warning, "slot.retained_warning");
    add("slot_limit", config.slot.retained_limit, Severity::critical, "slot.retained_limit");
}

/// The server itself gives a slot up beyond max_slot_wal_keep_size.
void add_at_risk(std::vector<Condition> &out, const std::string &name, const SlotStatus &slot) {
    const auto room = room_left(slot);
    Condition condition{.event = "slot_at_risk", .level = Level::clear, .severity = Severity::critical};
    if (room) {
        condition.level = *room < 0.25 ? Level::over : *room > 0.35 ? Level::clear : Level::between;
        condition.figures = {{"room_left", *room}};
        if (slot.safe_wal_size)
            condition.figures.emplace_back("safe_wal_size", static_cast<double>(*slot.safe_wal_size));
        if (slot.wal_status == "lost")
            condition.reason = fmt::format("the server has invalidated slot {}", name);
        else if (slot.wal_status == "unreserved")
            condition.reason =
                fmt::format("slot {} is unreserved: the server invalidates it at the next checkpoint", name);
        else
            condition.reason = fmt::format("slot {} is lost after another {} of WAL (max_slot_wal_keep_size)", name,
                                           bytes(slot.safe_wal_size.value_or(0)));
        condition.remedy =
            slot.wal_status == "lost"
                ? "Raise max_slot_wal_keep_size on the source and start over: walbridge reset --truncate, "
                  "then walbridge run."
                : "Raise max_slot_wal_keep_size on the source and reload (ALTER SYSTEM SET "
                  "max_slot_wal_keep_size = ...; SELECT pg_reload_conf();), and find out what keeps the "
                  "task behind.";
    }
    out.push_back(std::move(condition));
}

} // namespace

std::vector<Condition> alert_conditions(const TaskConfig &config, const Observation &seen) {
    std::vector<Condition> out;
    const bool working = seen.state == State::schema || seen.state == State::full || seen.state == State::catching_up ||
                         seen.state == State::running || seen.state == State::paused || seen.state == State::completed;
    if (working)
        out.push_back({.event = failure_event,
                       .level = Level::clear,
                       .severity = Severity::critical,
                       .reason = fmt::format("the task is {} again", name_of(seen.state)),
                       .remedy = {},
                       .clear_after = std::chrono::seconds(5)});
    if (config.alert.retrying.count() == 0) {
        out.push_back(off("task_retrying"));
    } else {
        const auto since = seen.retrying ? seen.unix_now - seen.retrying->since : 0;
        const bool over = seen.retrying && since * 1000 >= config.alert.retrying.count();
        if (over)
            out.push_back(
                {.event = "task_retrying",
                 .level = Level::over,
                 .reason = seen.retrying->reason,
                 .remedy = "It is tried again until the retry window is over (retry.connection, retry.other); "
                           "mend what the reason names.",
                 .figures = {{"attempts", seen.retrying->attempts}, {"seconds", static_cast<double>(since)}}});
        else if (!seen.retrying && working)
            out.push_back({.event = "task_retrying",
                           .level = Level::clear,
                           .reason = {},
                           .remedy = {},
                           .clear_after = std::chrono::seconds(10)});
    }
    if (config.alert.lag.count() == 0) {
        out.push_back(off("lag"));
    } else if (seen.lag_seconds) {
        const auto threshold = static_cast<double>(config.alert.lag.count()) / 1000;
        out.push_back({.event = "lag",
                       .level = level_of(*seen.lag_seconds, threshold),
                       .reason = fmt::format("the target is {} behind{}", human_seconds(*seen.lag_seconds),
                                             seen.state == State::paused ? " (the task is paused)" : ""),
                       .remedy = seen.state == State::paused ? "walbridge resume lets it go on."
                                                             : "See walbridge status: what is applied, and how fast.",
                       .figures = {{"lag_seconds", *seen.lag_seconds}, {"threshold_seconds", threshold}},
                       .clear_after = std::chrono::seconds(10)});
    }
    if (seen.slot) {
        // Of two slots the one that is worse off speaks.
        const auto &other = seen.sync_slot;
        const bool more = other && other->retained_bytes.value_or(0) > seen.slot->retained_bytes.value_or(0);
        add_retained(out, config, more ? seen.sync_slot_name : config.slot_name(), more ? *other : *seen.slot);
        const bool riskier = other && room_left(*other).value_or(1) < room_left(*seen.slot).value_or(1);
        add_at_risk(out, riskier ? seen.sync_slot_name : config.slot_name(), riskier ? *other : *seen.slot);
    }
    if (config.alert.xmin_age == 0) {
        out.push_back(off("catalog_xmin"));
    } else if (seen.cost && seen.cost->catalog_xmin_age) {
        const auto age = static_cast<double>(*seen.cost->catalog_xmin_age);
        out.push_back(
            {.event = "catalog_xmin",
             .level = level_of(age, static_cast<double>(config.alert.xmin_age)),
             .reason =
                 fmt::format("slot {} keeps the source from vacuuming its catalogs since {} transactions "
                             "(age of catalog_xmin)",
                             config.slot_name(), human_count(static_cast<std::uint64_t>(*seen.cost->catalog_xmin_age))),
             .remedy = "The slot moves on when the task does: end old transactions on the source, and find out "
                       "what keeps the task behind. A task that is not needed is ended with walbridge release.",
             .figures = {{"age", age}, {"threshold", static_cast<double>(config.alert.xmin_age)}}});
    }
    if (config.guard.on()) {
        const auto held = seen.held_since ? seen.unix_now - *seen.held_since : 0;
        const bool over = held >= std::chrono::seconds(long_hold).count();
        if (over || !seen.held_since)
            out.push_back({.event = "source_guard",
                           .level = over ? Level::over : Level::clear,
                           .reason = over ? fmt::format("the source guard has held the copy for {}: {}",
                                                        human_seconds(static_cast<double>(held)), seen.held_because)
                                          : "the source guard holds nothing",
                           .remedy = over
                                         ? "Mend what the reason names, or change the section [source_guard] and start "
                                           "the task again: what was copied stays."
                                         : "",
                           .figures = {{"held_seconds", static_cast<double>(held)}}});
    }
    for (const auto &[kind, recent] : seen.conflicts)
        out.push_back({.event = conflict_event + kind,
                       .level = recent ? Level::over : Level::clear,
                       .reason = recent ? fmt::format("a conflict {} was recorded", kind) : "none for an hour",
                       .remedy = recent ? "See walbridge conflicts list: both rows, and what was done." : ""});
    if (seen.objects_failed)
        out.push_back({.event = "objects_failed",
                       .level = *seen.objects_failed > 0 ? Level::over : Level::clear,
                       .reason = fmt::format("{} changes of the task's tables stopped", *seen.objects_failed),
                       .remedy = *seen.objects_failed > 0
                                     ? "See walbridge objects for the reason; then walbridge resume tries again, "
                                       "walbridge objects cancel gives them up."
                                     : "",
                       .figures = {{"changes", static_cast<double>(*seen.objects_failed)}}});
    if (seen.ddl_undecided)
        out.push_back({.event = "ddl_undecided",
                       .level = *seen.ddl_undecided > 0 ? Level::over : Level::clear,
                       .reason = fmt::format("{} DDL statements need a decision", *seen.ddl_undecided),
                       .remedy = *seen.ddl_undecided > 0 ? "See walbridge ddl list." : "",
                       .figures = {{"statements", static_cast<double>(*seen.ddl_undecided)}}});
    return out;
}

Condition failure_condition(const Error &error) {
    return {.event = failure_event,
            .level = Level::over,
            .severity = Severity::critical,
            .reason = error.object().empty() ? error.reason() : error.object() + ": " + error.reason(),
            .remedy = error.remedy(),
            .figures = {{"exit_code", error.exit_code()}}};
}

} // namespace walbridge::task
