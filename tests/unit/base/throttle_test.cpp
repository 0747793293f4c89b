// throttle_test.cpp: what a rate lets through, and what a change of it means for those who wait.
#include "base/throttle.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

using namespace walbridge;
using namespace std::chrono_literals;

namespace {

double seconds(TokenBucket::Clock::duration time) { return std::chrono::duration<double>(time).count(); }

const auto start = TokenBucket::Clock::time_point{} + 1h;

/// Takes `amount` again and again, waiting as asked; how much was taken within `time`.
double run(TokenBucket &bucket, double amount, TokenBucket::Clock::time_point &now, TokenBucket::Clock::duration time) {
    double taken = 0;
    for (const auto end = now + time;;) {
        const auto ticket = bucket.take(amount, now);
        taken += amount;
        now += bucket.until(ticket, now);
        if (now >= end) return taken;
    }
}

const auto never = [] { return false; };

} // namespace

BOOST_AUTO_TEST_SUITE(throttle)

BOOST_AUTO_TEST_CASE(without_a_rate_nobody_waits) {
    TokenBucket bucket;
    BOOST_TEST(seconds(bucket.until(bucket.take(1e12, start), start)) == 0);
}

BOOST_AUTO_TEST_CASE(a_rate_is_kept_whatever_the_size_of_the_steps) {
    for (const double step : {1.0, 7.0, 100.0, 1000.0}) {
        TokenBucket bucket;
        bucket.set_rate(500, start);
        auto now = start;
        const auto taken = run(bucket, step, now, 20s);
        BOOST_TEST(taken / seconds(now - start) == 500, boost::test_tools::tolerance(0.02));
    }
}

BOOST_AUTO_TEST_CASE(a_pause_is_not_made_up_for_in_a_burst) {
    TokenBucket bucket;
    bucket.set_rate(1000, start);
    auto now = start + 10min;
    const auto begin = now;
    const auto taken = run(bucket, 10, now, 1s);
    BOOST_TEST(taken / seconds(now - begin) < 1000 * (1 + 2 * TokenBucket::burst_seconds));
}

BOOST_AUTO_TEST_CASE(what_one_takes_another_waits_for_in_order) {
    TokenBucket bucket;
    bucket.set_rate(100, start);
    const auto first = bucket.take(100, start), second = bucket.take(50, start);
    BOOST_TEST(seconds(bucket.until(first, start)) == 1, boost::test_tools::tolerance(0.01));
    BOOST_TEST(seconds(bucket.until(second, start)) == 1.5, boost::test_tools::tolerance(0.01));
    BOOST_TEST(seconds(bucket.until(first, start + 1s + 1ms)) == 0);
    BOOST_TEST(seconds(bucket.until(second, start + 1s)) == 0.5, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(a_debt_is_paid_at_the_new_rate) {
    TokenBucket bucket;
    bucket.set_rate(100, start);
    const auto ticket = bucket.take(1000, start);
    bucket.set_rate(1000, start + 5s); // half of it is paid
    BOOST_TEST(seconds(bucket.until(ticket, start + 5s)) == 0.5, boost::test_tools::tolerance(0.01));
    bucket.set_rate(0, start + 5s);
    BOOST_TEST(seconds(bucket.until(ticket, start + 5s)) == 0);
}

BOOST_AUTO_TEST_CASE(what_was_taken_without_a_limit_is_not_owed_under_one) {
    TokenBucket bucket;
    bucket.take(1e9, start);
    bucket.set_rate(10, start + 1s);
    BOOST_TEST(seconds(bucket.until(bucket.take(1, start + 1s), start + 1s)) == 0.1,
               boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(the_slowest_of_several_limits_counts) {
    Throttle throttle;
    throttle.set({0, 1000, 10});
    BOOST_TEST(seconds(throttle.until(throttle.take({5, 1000, 100}))) == 10, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(without_limits_it_is_not_active_and_steps_are_not_cut) {
    Throttle throttle;
    BOOST_TEST(!throttle.active());
    BOOST_TEST(throttle.pass({1, 1000000, 1000000}, never));
    BOOST_TEST(throttle.rows_at_once() > 1000000000U);
    throttle.set({0, 100, 0});
    BOOST_TEST(throttle.active());
    BOOST_TEST(throttle.rows_at_once() == 5U);
    BOOST_TEST(throttle.bytes_at_once() > 1000000000U);
    throttle.set({});
    BOOST_TEST(!throttle.active());
}

BOOST_AUTO_TEST_CASE(lifting_a_limit_wakes_who_waits) {
    Throttle throttle;
    throttle.set({0, 1, 0});
    std::atomic<bool> done{false};
    std::thread waiter([&] {
        BOOST_TEST(throttle.pass({0, 1000000, 0}, never));
        done = true;
    });
    while (seconds(throttle.until(throttle.taken())) < 1000) std::this_thread::yield(); // it has taken
    BOOST_TEST(!done);
    throttle.set({});
    waiter.join();
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_CASE(a_stop_ends_a_wait) {
    Throttle throttle;
    throttle.set({0, 1, 0});
    BOOST_TEST(!throttle.pass({0, 1000000, 0}, [] { return true; }));
}

BOOST_AUTO_TEST_CASE(nobody_passes_a_hold_until_it_is_released) {
    Throttle throttle;
    throttle.hold();
    BOOST_TEST(throttle.active());
    BOOST_TEST(!throttle.pass({}, [] { return true; }));
    std::atomic<bool> done{false}, asked{false};
    std::thread waiter([&] {
        BOOST_TEST(throttle.pass({}, [&] {
            asked = true;
            return false;
        }));
        done = true;
    });
    while (!asked) std::this_thread::yield();
    BOOST_TEST(!done);
    throttle.release();
    waiter.join();
    BOOST_TEST(!throttle.active());
}

BOOST_AUTO_TEST_CASE(a_hold_outlives_a_change_of_the_limits) {
    Throttle throttle;
    throttle.hold();
    throttle.set({0, 100, 0});
    throttle.set({});
    BOOST_TEST(throttle.held());
    BOOST_TEST(!throttle.pass({}, [] { return true; }));
    throttle.release();
    BOOST_TEST(throttle.pass({}, never));
}

BOOST_AUTO_TEST_CASE(a_hold_asks_for_room_only_while_others_wait) {
    Throttle throttle;
    BOOST_TEST(!throttle.wants_room());
    throttle.hold(true);
    BOOST_TEST(throttle.wants_room());
    throttle.hold(false);
    BOOST_TEST(!throttle.wants_room());
    throttle.hold(true);
    throttle.release();
    BOOST_TEST(!throttle.wants_room());
}

BOOST_AUTO_TEST_CASE(what_is_slowed_keeps_the_smaller_one_of_both_limits) {
    Throttle throttle;
    throttle.slow(1000);
    BOOST_TEST(throttle.bytes_at_once() == 50U);
    throttle.set({0, 0, 100});
    BOOST_TEST(throttle.bytes_at_once() == 5U);
    throttle.set({0, 0, 10000});
    BOOST_TEST(throttle.bytes_at_once() == 50U);
    BOOST_TEST(throttle.limits().bytes == 10000U);
    throttle.release();
    BOOST_TEST(throttle.bytes_at_once() == 500U);
}

BOOST_AUTO_TEST_CASE(what_passes_is_counted_without_limits_as_well) {
    Throttle throttle;
    BOOST_TEST(throttle.pass({1, 2, 300}, never));
    throttle.set({0, 0, 1'000'000'000});
    BOOST_TEST(throttle.pass({1, 2, 30}, never));
    BOOST_TEST(throttle.passed_bytes() == 330U);
}

BOOST_AUTO_TEST_SUITE_END()
