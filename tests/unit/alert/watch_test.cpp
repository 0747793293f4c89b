// watch_test.cpp: one alert per event and one recovery, with a clock that the test moves.
#include "alert/watch.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::alert;
using namespace std::chrono_literals;
using Level = Condition::Level;

namespace {

struct Fixture {
    Watch watch;
    Watch::Clock::time_point start = Watch::Clock::time_point{} + 1h;

    std::vector<Notice> at(std::chrono::seconds second, Level level, std::chrono::milliseconds raise_after = 0s,
                           const std::string &reason = "lag is 400 s") {
        return watch.observe(start + second, 1000 + second.count(),
                             {{.event = "lag",
                               .level = level,
                               .reason = level == Level::over ? reason : "",
                               .remedy = "Look at it.",
                               .figures = {{"lag_seconds", 400}},
                               .raise_after = raise_after,
                               .clear_after = 30s}});
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(watch, Fixture)

BOOST_AUTO_TEST_CASE(an_event_is_told_once_and_its_end_once) {
    BOOST_TEST(at(0s, Level::clear).empty());
    const auto told = at(1s, Level::over);
    BOOST_TEST_REQUIRE(told.size() == 1);
    BOOST_TEST(told[0].firing);
    BOOST_TEST(told[0].event == "lag");
    BOOST_TEST(told[0].since == 1001);
    BOOST_TEST(told[0].reason == "lag is 400 s");
    BOOST_TEST(told[0].figures.size() == 1);
    for (int i = 2; i < 500; ++i) BOOST_TEST(at(std::chrono::seconds(i), Level::over).empty());
    BOOST_TEST(watch.firing().size() == 1);
    BOOST_TEST(at(500s, Level::clear).empty());
    BOOST_TEST(at(529s, Level::clear).empty());
    const auto over = at(530s, Level::clear);
    BOOST_TEST_REQUIRE(over.size() == 1);
    BOOST_TEST(!over[0].firing);
    BOOST_TEST(over[0].since == 1001);
    BOOST_TEST(over[0].reason == "lag is 400 s"); // what it was about
    BOOST_TEST(over[0].remedy.empty());
    BOOST_TEST(watch.firing().empty());
    for (int i = 531; i < 600; ++i) BOOST_TEST(at(std::chrono::seconds(i), Level::clear).empty());
}

BOOST_AUTO_TEST_CASE(a_condition_has_to_hold_before_it_is_told) {
    BOOST_TEST(at(0s, Level::over, 60s).empty());
    BOOST_TEST(at(59s, Level::over, 60s).empty());
    BOOST_TEST(at(59s, Level::clear, 60s).empty()); // the clock starts anew
    BOOST_TEST(at(61s, Level::over, 60s).empty());
    BOOST_TEST(at(120s, Level::over, 60s).empty());
    const auto told = at(121s, Level::over, 60s);
    BOOST_TEST_REQUIRE(told.size() == 1);
    BOOST_TEST(told[0].since == 1061);
}

BOOST_AUTO_TEST_CASE(a_figure_that_swings_around_its_threshold_is_one_alert) {
    std::size_t told = at(0s, Level::over).size();
    for (int i = 1; i < 1000; ++i)
        told += at(std::chrono::seconds(i), i % 20 < 10   ? Level::over
                                            : i % 20 < 15 ? Level::clear
                                                          : Level::between)
                    .size();
    BOOST_TEST(told == 1U);
    BOOST_TEST(at(1000s, Level::between).empty());
    BOOST_TEST(at(2000s, Level::between).empty()); // between is not over
    BOOST_TEST(watch.firing().size() == 1);
}

BOOST_AUTO_TEST_CASE(what_was_not_seen_stays_as_it_is) {
    at(0s, Level::over);
    BOOST_TEST(watch.observe(start + 3600s, 9000, {}).empty());
    BOOST_TEST(watch.firing().size() == 1);
    BOOST_TEST(at(3601s, Level::clear).empty());
    BOOST_TEST(at(3631s, Level::clear).size() == 1);
}

BOOST_AUTO_TEST_CASE(an_event_of_an_earlier_process_is_not_told_again_but_its_end_is) {
    watch.restore({.event = "lag", .since = 17, .reason = "before"});
    BOOST_TEST(watch.firing().size() == 1);
    BOOST_TEST(at(0s, Level::over).empty());
    at(1s, Level::clear);
    const auto over = at(31s, Level::clear);
    BOOST_TEST_REQUIRE(over.size() == 1);
    BOOST_TEST(!over[0].firing);
    BOOST_TEST(over[0].since == 17);
    BOOST_TEST(at(32s, Level::over).size() == 1); // a new one
}

BOOST_AUTO_TEST_CASE(a_forgotten_event_is_a_new_one) {
    at(0s, Level::over);
    watch.forget("lag");
    BOOST_TEST(watch.firing().empty());
    BOOST_TEST(at(1s, Level::over).size() == 1);
}

BOOST_AUTO_TEST_CASE(events_do_not_know_of_each_other) {
    const auto told = watch.observe(start, 1,
                                    {{.event = "lag", .level = Level::over, .reason = "a", .remedy = ""},
                                     {.event = "slot_retained", .level = Level::over, .reason = "b", .remedy = ""}});
    BOOST_TEST(told.size() == 2);
    BOOST_TEST(at(1s, Level::clear).empty());
    BOOST_TEST(at(40s, Level::clear).size() == 1);
    BOOST_TEST(watch.firing().size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
