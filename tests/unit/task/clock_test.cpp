// clock_test.cpp: a start refused, or a warning withheld, because the way to a server was mistaken for its clock.
#include "task/clock.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::task;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(clocks_of_servers)

BOOST_AUTO_TEST_CASE(the_difference_is_the_targets_against_the_sources) {
    const auto clocks = compare_clocks({2'000'000, 100}, {-500'000, 300});
    BOOST_TEST(clocks.difference_us().value() == -2'500'000);
    BOOST_TEST(clocks.uncertainty_us == 200);
    BOOST_TEST(clocks.measured_at > 0);
    BOOST_TEST(describe(clocks) == "the target's clock is 2.500 s behind the source's (± 0.000 s)");
    BOOST_TEST(
        (describe(compare_clocks({0, 2000}, {900, 2000})) == "the clocks of source and target agree (± 0.002 s)"));
    BOOST_TEST(!Live::Clocks{}.difference_us().has_value());
}

BOOST_AUTO_TEST_CASE(only_what_is_certain_is_beyond_the_limit) {
    BOOST_TEST(beyond(compare_clocks({0, 1000}, {1'100'000, 1000}), milliseconds(1000)));
    BOOST_TEST(beyond(compare_clocks({0, 1000}, {-1'100'000, 1000}), milliseconds(1000)));
    BOOST_TEST(!beyond(compare_clocks({0, 400'000}, {1'100'000, 400'000}), milliseconds(1000)));
    BOOST_TEST(!beyond(compare_clocks({5'000'000, 1000}, {5'900'000, 1000}), milliseconds(1000)));
    BOOST_TEST(!beyond(Live::Clocks{}, milliseconds(0)));
}

BOOST_AUTO_TEST_SUITE_END()
