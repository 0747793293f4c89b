// figures_test.cpp: rates, times to go, lag that is true, and figures for people.
#include "task/figures.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::task;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000;

LagInput caught_up() {
    return {.now = 1000 * second,
            .applied_commit_time = 500 * second,
            .heartbeat_sent = 995 * second,
            .last_lag = 2 * second,
            .heartbeat_lag = second / 10,
            .heartbeat_interval = 10 * second,
            .caught_up = true};
}

} // namespace

BOOST_AUTO_TEST_SUITE(figures)

BOOST_AUTO_TEST_CASE(a_rate_is_taken_over_the_last_seconds) {
    RateMeter meter;
    const auto start = RateMeter::Clock::time_point{} + 1h;
    BOOST_TEST(meter.per_second() == 0.0);
    meter.add(start, 0);
    BOOST_TEST(meter.per_second() == 0.0);
    meter.add(start + 10s, 1000);
    BOOST_TEST(meter.per_second() == 100.0);
    for (int i = 11; i < 60; ++i) meter.add(start + std::chrono::seconds(i), 1000);
    BOOST_TEST(meter.per_second() == 0.0); // a stall is seen
    meter.add(start + 61s, 500);           // a chunk was rolled back
    BOOST_TEST(meter.per_second() == 0.0);
}

BOOST_AUTO_TEST_CASE(a_time_to_go_is_told_only_when_it_can_be) {
    BOOST_TEST(eta_seconds(50, 100, 10).value() == 5.0);
    BOOST_TEST(!eta_seconds(50, 100, 0).has_value());
    BOOST_TEST(!eta_seconds(120, 100, 10).has_value());
}

BOOST_AUTO_TEST_CASE(caught_up_lag_is_the_measured_way_of_the_newest_arrival) {
    auto input = caught_up();
    BOOST_TEST(lag_seconds(input).value() == 0.1); // the heartbeat is newer
    input.applied_commit_time = 999 * second;
    BOOST_TEST(lag_seconds(input).value() == 2.0); // the transaction is newer
}

BOOST_AUTO_TEST_CASE(behind_lag_is_the_age_of_the_newest_arrival) {
    auto input = caught_up();
    input.caught_up = false;
    BOOST_TEST(lag_seconds(input).value() == 5.0);
}

BOOST_AUTO_TEST_CASE(heartbeats_that_stay_away_are_lag) {
    auto input = caught_up();
    input.now = 1100 * second;
    BOOST_TEST(lag_seconds(input).value() == 105.0);
    input.heartbeat_interval = 0; // nobody sends any: an idle source is no lag
    BOOST_TEST(lag_seconds(input).value() == 0.1);
}

BOOST_AUTO_TEST_CASE(lag_is_unknown_before_anything_arrived_and_never_negative) {
    auto input = caught_up();
    input.applied_commit_time = input.heartbeat_sent = 0;
    BOOST_TEST(!lag_seconds(input).has_value());
    input = caught_up();
    input.caught_up = false;
    input.now = 900 * second; // the source's clock is ahead
    BOOST_TEST(lag_seconds(input).value() == 0.0);
}

BOOST_AUTO_TEST_CASE(figures_are_written_for_people) {
    BOOST_TEST(human_count(0) == "0");
    BOOST_TEST(human_count(999) == "999");
    BOOST_TEST(human_count(1234567) == "1,234,567");
    BOOST_TEST(human_bytes(512) == "512 B");
    BOOST_TEST(human_bytes(1536) == "1.5 kB");
    BOOST_TEST(human_bytes(3.5 * 1024 * 1024 * 1024) == "3.5 GB");
    BOOST_TEST(human_seconds(0.042) == "42 ms");
    BOOST_TEST(human_seconds(2.5) == "2.5 s");
    BOOST_TEST(human_seconds(200) == "3 min 20 s");
    BOOST_TEST(human_seconds(90000) == "1 d 1 h");
}

BOOST_AUTO_TEST_CASE(the_progress_line_fits_its_terminal) {
    BOOST_TEST(progress_line("copy", 50, 100, "x", 100) == "copy [############............]  50% x");
    BOOST_TEST(progress_line("copy", 50, 100, std::string(200, 'x'), 60).size() == 60u);
    BOOST_TEST(progress_line("copy", 0, 0, "", 100).find("  0%") != std::string::npos);
    BOOST_TEST(progress_line("copy", 200, 100, "", 100).find("100%") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
