// stop_token_test.cpp: a stop ends every wait and is never taken back.
#include "base/stop_token.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

using namespace walbridge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(stop_token)

BOOST_AUTO_TEST_CASE(a_wait_ends_at_its_time_without_a_stop) {
    const StopToken stop;
    BOOST_TEST(!stop.wait_for(1ms));
    BOOST_TEST(!stop.requested());
}

BOOST_AUTO_TEST_CASE(a_stop_ends_waits_at_once_and_for_ever) {
    StopToken stop;
    std::thread waiter([&] { BOOST_TEST(stop.wait_for(1min)); });
    stop.request();
    waiter.join();
    BOOST_TEST(stop.requested());
    BOOST_TEST(stop.wait_for(1min));
}

BOOST_AUTO_TEST_SUITE_END()
