// slot_guard_test.cpp: what is worth an alert, and when a slot is dropped.
#include "task/alert_conditions.hpp"
#include "task/slot_guard.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::task;
using Level = alert::Condition::Level;

namespace {

constexpr std::int64_t gigabyte = std::int64_t{1} << 30;

TaskConfig task_config() {
    TaskConfig config;
    config.name = "orders";
    return config;
}

SlotStatus slot(std::int64_t retained, std::optional<std::int64_t> safe = std::nullopt,
                const std::string &status = "reserved") {
    SlotStatus found;
    found.wal_status = status;
    found.retained_bytes = retained;
    found.safe_wal_size = safe;
    return found;
}

Observation seen(State state) {
    Observation observation;
    observation.state = state;
    observation.unix_now = 10'000;
    return observation;
}

std::optional<alert::Condition> find(const std::vector<alert::Condition> &conditions, const std::string &event) {
    const auto found = std::ranges::find(conditions, event, &alert::Condition::event);
    return found == conditions.end() ? std::nullopt : std::optional(*found);
}

bool is(const TaskConfig &config, const Observation &observation, const std::string &event, Level level) {
    const auto found = find(alert_conditions(config, observation), event);
    return found && found->level == level;
}

} // namespace

BOOST_AUTO_TEST_SUITE(slot_guard)

BOOST_AUTO_TEST_CASE(a_slot_is_dropped_only_past_a_limit_and_when_asked_for) {
    TaskConfig::Slot settings;
    BOOST_TEST(!must_drop(settings, slot(100 * gigabyte)));
    settings.retained_limit = gigabyte;
    BOOST_TEST(!must_drop(settings, slot(100 * gigabyte)));
    settings.on_limit = "drop";
    BOOST_TEST(!must_drop(settings, slot(gigabyte)));
    BOOST_TEST(must_drop(settings, slot(gigabyte + 1)));
    BOOST_TEST(!must_drop(settings, slot(-5))); // restart_lsn may be ahead of a standby's position
    auto unknown = slot(0);
    unknown.retained_bytes.reset();
    BOOST_TEST(!must_drop(settings, unknown));
}

BOOST_AUTO_TEST_CASE(the_warning_comes_before_the_limit) {
    TaskConfig::Slot settings;
    BOOST_TEST(warning_bytes(settings) == std::uint64_t{10} << 30);
    settings.retained_limit = 1000;
    BOOST_TEST(warning_bytes(settings) == 800U);
    settings.retained_warning = 500;
    BOOST_TEST(warning_bytes(settings) == 500U);
    settings.retained_warning = 0;
    BOOST_TEST(warning_bytes(settings) == 0U);
}

BOOST_AUTO_TEST_CASE(room_is_what_the_server_still_keeps) {
    BOOST_TEST(!room_left(slot(gigabyte)).has_value()); // no max_slot_wal_keep_size
    BOOST_TEST(room_left(slot(gigabyte, 3 * gigabyte)).value() == 0.75);
    BOOST_TEST(room_left(slot(gigabyte, -1)).value() == 0.0);
    BOOST_TEST(room_left(slot(gigabyte, gigabyte, "unreserved")).value() == 0.0);
    BOOST_TEST(room_left(slot(0, std::nullopt, "lost")).value() == 0.0);
}

BOOST_AUTO_TEST_CASE(retained_wal_has_a_warning_and_a_limit) {
    auto config = task_config();
    config.slot.retained_limit = 100 * gigabyte;
    auto observation = seen(State::running);
    observation.slot = slot(9 * gigabyte);
    BOOST_TEST(is(config, observation, "slot_retained", Level::between));
    observation.slot = slot(7 * gigabyte);
    BOOST_TEST(is(config, observation, "slot_retained", Level::clear));
    observation.slot = slot(10 * gigabyte);
    BOOST_TEST(is(config, observation, "slot_retained", Level::over));
    BOOST_TEST(is(config, observation, "slot_limit", Level::clear));
    observation.slot = slot(101 * gigabyte);
    const auto limit = find(alert_conditions(config, observation), "slot_limit").value();
    BOOST_TEST((limit.level == Level::over));
    BOOST_TEST((limit.severity == alert::Severity::critical));
    BOOST_TEST(limit.reason.find("101.0 GB") != std::string::npos);
    observation.slot = slot(gigabyte);
    observation.sync_slot_name = "walbridge_x_sync_1";
    observation.sync_slot = slot(11 * gigabyte); // of the task that brings tables: it retains more
    const auto of_sync = find(alert_conditions(config, observation), "slot_retained").value();
    BOOST_TEST((of_sync.level == Level::over));
    BOOST_TEST(of_sync.reason.find("walbridge_x_sync_1") != std::string::npos);
    observation.sync_slot.reset();
    observation.slot.reset(); // not seen
    BOOST_TEST(!find(alert_conditions(config, observation), "slot_limit").has_value());
}

BOOST_AUTO_TEST_CASE(the_server_is_about_to_give_the_slot_up) {
    const auto config = task_config();
    auto observation = seen(State::running);
    observation.slot = slot(gigabyte);
    BOOST_TEST(is(config, observation, "slot_at_risk", Level::clear));
    observation.slot = slot(8 * gigabyte, 2 * gigabyte);
    BOOST_TEST(is(config, observation, "slot_at_risk", Level::over));
    observation.slot = slot(7 * gigabyte, 3 * gigabyte);
    BOOST_TEST(is(config, observation, "slot_at_risk", Level::between));
    observation.slot = slot(gigabyte, std::nullopt, "unreserved");
    BOOST_TEST(is(config, observation, "slot_at_risk", Level::over));
}

BOOST_AUTO_TEST_CASE(a_short_retry_is_no_alert) {
    const auto config = task_config();
    auto observation = seen(State::retrying);
    observation.retrying = Live::Retrying{.attempts = 3, .since = 9'970, .next = 10'010, .reason = "no connection"};
    BOOST_TEST(!find(alert_conditions(config, observation), "task_retrying").has_value());
    observation.retrying->since = 9'940;
    BOOST_TEST(is(config, observation, "task_retrying", Level::over));
    // An attempt under way says nothing yet.
    observation.retrying.reset();
    observation.state = State::prechecking;
    BOOST_TEST(!find(alert_conditions(config, observation), "task_retrying").has_value());
    observation.state = State::running;
    BOOST_TEST(is(config, observation, "task_retrying", Level::clear));
    BOOST_TEST(is(config, observation, failure_event, Level::clear));
}

BOOST_AUTO_TEST_CASE(lag_age_conflicts_and_ddl) {
    const auto config = task_config();
    auto observation = seen(State::catching_up);
    observation.lag_seconds = 301;
    observation.cost = SourceCost{};
    observation.cost->catalog_xmin_age = 150'000'000;
    observation.conflicts = {{"insert_exists", true}, {"delete_missing", false}};
    observation.objects_failed = 1;
    BOOST_TEST(is(config, observation, "objects_failed", Level::over));
    observation.objects_failed = 0;
    BOOST_TEST(is(config, observation, "objects_failed", Level::clear));
    observation.ddl_undecided = 2;
    BOOST_TEST(is(config, observation, "lag", Level::over));
    BOOST_TEST(is(config, observation, "catalog_xmin", Level::over));
    BOOST_TEST(is(config, observation, "conflict:insert_exists", Level::over));
    BOOST_TEST(is(config, observation, "conflict:delete_missing", Level::clear));
    BOOST_TEST(is(config, observation, "ddl_undecided", Level::over));
    observation.lag_seconds = 100;
    BOOST_TEST(is(config, observation, "lag", Level::clear));
    auto quiet = config;
    quiet.alert.lag = quiet.alert.retrying = std::chrono::milliseconds(0);
    quiet.alert.xmin_age = 0;
    observation.lag_seconds = 1e6;
    for (const auto *event : {"lag", "catalog_xmin", "task_retrying"})
        BOOST_TEST(is(quiet, observation, event, Level::clear), event); // what was told before is over
}

BOOST_AUTO_TEST_CASE(a_long_hold_of_the_source_guard_is_told) {
    auto config = task_config();
    auto observation = seen(State::full);
    BOOST_TEST(!find(alert_conditions(config, observation), "source_guard").has_value());
    config.guard.active_sessions = 5;
    BOOST_TEST(is(config, observation, "source_guard", Level::clear));
    observation.held_since = observation.unix_now - 599;
    BOOST_TEST(!find(alert_conditions(config, observation), "source_guard").has_value());
    observation.held_since = observation.unix_now - 600;
    observation.held_because = "9 sessions run a statement";
    const auto told = find(alert_conditions(config, observation), "source_guard").value();
    BOOST_TEST((told.level == Level::over));
    BOOST_TEST(told.reason.find("9 sessions") != std::string::npos);
    BOOST_TEST(!told.remedy.empty());
}

BOOST_AUTO_TEST_CASE(every_alert_that_fires_says_why_and_what_to_do) {
    auto config = task_config();
    config.slot.retained_limit = gigabyte;
    auto observation = seen(State::paused);
    observation.retrying = Live::Retrying{.attempts = 3, .since = 1, .next = 2, .reason = "no connection"};
    observation.lag_seconds = 1e6;
    observation.slot = slot(50 * gigabyte, 0);
    observation.cost = SourceCost{};
    observation.cost->catalog_xmin_age = 2'000'000'000;
    observation.conflicts = {{"insert_exists", true}};
    observation.ddl_undecided = 1;
    int firing = 0;
    for (const auto &condition : alert_conditions(config, observation)) {
        if (condition.level != Level::over) continue;
        ++firing;
        BOOST_TEST(!condition.reason.empty(), condition.event);
        BOOST_TEST(!condition.remedy.empty(), condition.event);
    }
    BOOST_TEST(firing == 8);
}

BOOST_AUTO_TEST_CASE(the_verdict_says_whether_the_slot_is_gone) {
    auto config = task_config();
    config.slot.retained_limit = gigabyte;
    const auto dropped = limit_error(config, 2 * gigabyte, "");
    BOOST_TEST(dropped.exit_code() == 29);
    BOOST_TEST(dropped.reason().find("and was dropped") != std::string::npos);
    BOOST_TEST(dropped.remedy().find("reset --truncate") != std::string::npos);
    const auto kept = limit_error(config, 2 * gigabyte, "permission denied");
    BOOST_TEST(kept.reason().find("could not be dropped: permission denied") != std::string::npos);
    BOOST_TEST(kept.remedy().find("pg_drop_replication_slot('walbridge_orders')") != std::string::npos);
    const auto found_later = untold_limit_error(config);
    BOOST_TEST(found_later.exit_code() == 29);
    BOOST_TEST(found_later.object() == dropped.object());
    BOOST_TEST(found_later.remedy() == dropped.remedy());
}

BOOST_AUTO_TEST_SUITE_END()
