// source_guard_test.cpp: when the guard holds, and how late a standby is when the server has no figure for it.
#include "source/source_guard.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::source;
using namespace std::chrono_literals;

namespace {

const auto start = WalClock::Clock::time_point{} + 1h;

TaskConfig::SourceGuard guard() {
    TaskConfig::SourceGuard guard;
    guard.replica_lag = 30s;
    guard.active_sessions = 5;
    guard.query = "SELECT true";
    return guard;
}

GuardReading calm() {
    GuardReading reading;
    reading.position = 1000;
    reading.active_sessions = 5;
    reading.answer = false;
    return reading;
}

} // namespace

BOOST_AUTO_TEST_SUITE(source_guard)

BOOST_AUTO_TEST_CASE(holds_nothing_while_every_figure_is_within_its_limit) {
    BOOST_TEST(!reason_to_hold(guard(), calm()).has_value());
    auto reading = calm();
    reading.standbys = {{"dr", 900, 30s, 30s}};
    BOOST_TEST(!reason_to_hold(guard(), reading).has_value());
}

BOOST_AUTO_TEST_CASE(holds_for_the_latest_standby_and_names_it) {
    auto reading = calm();
    reading.standbys = {{"near", 990, 1s, 0s}, {"far", 900, 31s, 0s}, {"nearer", 1000, {}, 0s}};
    const auto reason = reason_to_hold(guard(), reading);
    BOOST_REQUIRE(reason.has_value());
    BOOST_TEST(reason->find("standby far is 31.0 s late") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_standby_that_has_replayed_everything_is_not_late_whatever_was_last_measured) {
    BOOST_TEST(lag_of({"dr", 1000, 500s, 0s}, 1000).count() == 0);
    BOOST_TEST(lag_of({"dr", 1001, 500s, 0s}, 1000).count() == 0);
}

BOOST_AUTO_TEST_CASE(a_standby_without_a_figure_is_as_late_as_it_was_seen_behind) {
    BOOST_TEST(lag_of({"dr", 900, {}, 40s}, 1000).count() == 40000);
    BOOST_TEST(lag_of({"dr", 900, 50s, 40s}, 1000).count() == 50000);
    auto reading = calm();
    reading.standbys = {{"", 900, {}, 40s}};
    BOOST_TEST(reason_to_hold(guard(), reading).value().find("without a name is 40.0 s late") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_not_looked_at_holds_nothing) {
    auto reading = calm();
    reading.standbys = {{"far", 900, 31s, 0s}};
    reading.active_sessions = 100;
    reading.answer = true;
    BOOST_TEST(!reason_to_hold({}, reading).has_value());
}

BOOST_AUTO_TEST_CASE(holds_for_sessions_beyond_the_limit_and_for_a_query_that_says_so) {
    auto reading = calm();
    reading.active_sessions = 6;
    BOOST_TEST(reason_to_hold(guard(), reading).value().find("6 sessions") != std::string::npos);
    reading = calm();
    reading.answer = true;
    BOOST_TEST(reason_to_hold(guard(), reading).value().find("source_guard.query") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_seen_holds) {
    auto reading = calm();
    reading.failure = "source_guard.query: it returns NULL";
    BOOST_TEST(reason_to_hold(guard(), reading).value() == reading.failure);
}

BOOST_AUTO_TEST_CASE(the_wal_clock_counts_from_the_first_look_that_saw_what_is_missing) {
    WalClock clock;
    BOOST_TEST((clock.behind(start, 5) == 0s));
    clock.note(start, 100);
    clock.note(start + 10s, 100);
    clock.note(start + 20s, 200);
    clock.note(start + 30s, 300);
    BOOST_TEST((clock.behind(start + 40s, 50) == 40s));
    BOOST_TEST((clock.behind(start + 40s, 100) == 20s));
    BOOST_TEST((clock.behind(start + 40s, 299) == 10s));
    BOOST_TEST((clock.behind(start + 40s, 300) == 0s));
}

BOOST_AUTO_TEST_CASE(the_wal_clock_stays_small_and_keeps_its_oldest_reading) {
    WalClock clock;
    for (int second = 0; second < 100'000; ++second)
        clock.note(start + std::chrono::seconds(second), 1000 + static_cast<std::uint64_t>(second));
    const auto behind = clock.behind(start + 100'000s, 999);
    BOOST_TEST((behind == 100'000s));
}

BOOST_AUTO_TEST_CASE(a_slowed_copy_keeps_a_tenth_of_its_pace_and_always_moves) {
    BOOST_TEST(slowed_pace(50e6) == 5'000'000u);
    BOOST_TEST(slowed_pace(0) == slowed_pace(1000));
    BOOST_TEST(slowed_pace(0) > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
