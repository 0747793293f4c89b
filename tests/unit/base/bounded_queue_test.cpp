// bounded_queue_test.cpp: bounds by items and bytes, closing, errors that travel to the consumer.
#include "base/bounded_queue.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <thread>

using namespace walbridge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(bounded_queue)

BOOST_AUTO_TEST_CASE(items_come_out_in_order_and_free_their_bytes) {
    BoundedQueue<int> queue(10, 100);
    BOOST_TEST(queue.push(1, 40));
    BOOST_TEST(queue.push(2, 40));
    BOOST_TEST(queue.bytes() == 80u);
    BOOST_TEST(queue.pop().value() == 1);
    BOOST_TEST(queue.bytes() == 40u);
    BOOST_TEST(queue.pop().value() == 2);
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(a_full_queue_makes_the_producer_wait) {
    BoundedQueue<int> by_items(1, 1000), by_bytes(100, 10);
    int item = 7;
    BOOST_TEST(by_items.push(1, 1));
    BOOST_TEST(!by_items.try_push_for(item, 1, 1ms));
    BOOST_TEST(by_bytes.push(1, 8));
    BOOST_TEST(!by_bytes.try_push_for(item, 8, 1ms));
    std::thread consumer([&] { (void)by_items.pop(); });
    BOOST_TEST(by_items.push(2, 1));
    consumer.join();
    BOOST_TEST(by_items.pop().value() == 2);
}

BOOST_AUTO_TEST_CASE(one_huge_item_passes_when_nothing_else_waits) {
    BoundedQueue<int> queue(10, 100);
    BOOST_TEST(queue.push(1, 1'000'000));
    int item = 2;
    BOOST_TEST(!queue.try_push_for(item, 1, 1ms));
}

BOOST_AUTO_TEST_CASE(a_closed_queue_refuses_producers_and_drains_to_consumers) {
    BoundedQueue<int> queue(10, 100);
    BOOST_TEST(queue.push(1, 1));
    queue.close();
    BOOST_TEST(!queue.push(2, 1));
    BOOST_TEST(queue.pop().value() == 1);
    BOOST_TEST(!queue.pop().has_value());
    BOOST_TEST(!queue.pop_for(1ms).has_value());
}

BOOST_AUTO_TEST_CASE(the_first_error_reaches_the_consumer_after_the_items) {
    BoundedQueue<int> queue(10, 100);
    BOOST_TEST(queue.push(1, 1));
    queue.close(std::make_exception_ptr(std::runtime_error("receiver failed")));
    queue.close(std::make_exception_ptr(std::logic_error("too late")));
    BOOST_TEST(queue.pop().value() == 1);
    BOOST_CHECK_THROW((void)queue.pop(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(closing_wakes_who_waits) {
    BoundedQueue<int> queue(1, 1);
    std::thread consumer([&] { BOOST_TEST(!queue.pop().has_value()); });
    std::this_thread::sleep_for(5ms);
    queue.close();
    consumer.join();
}

BOOST_AUTO_TEST_SUITE_END()
