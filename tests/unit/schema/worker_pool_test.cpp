// worker_pool_test.cpp: the end of a pool of workers: all done, one failed, or stopped.
#include "schema/worker_pool.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

using namespace walbridge;
using namespace walbridge::schema;

BOOST_AUTO_TEST_CASE(all_workers_work_and_the_caller_waits_for_them) {
    const StopToken stop;
    std::atomic<int> done{0};
    BOOST_TEST(run_workers(3, stop, [&](WorkerSession &) { ++done; }));
    BOOST_TEST(done == 3);
}

BOOST_AUTO_TEST_CASE(the_first_error_ends_the_others_and_reaches_the_caller) {
    const StopToken stop;
    std::atomic<bool> first{true};
    const auto work = [&](WorkerSession &worker) {
        if (first.exchange(false)) throw std::runtime_error("broken");
        while (!worker.stopping()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    BOOST_CHECK_THROW(run_workers(3, stop, work), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_stop_is_not_an_error) {
    StopToken stop;
    const auto work = [&](WorkerSession &worker) {
        stop.request();
        while (!worker.stopping()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    BOOST_TEST(!run_workers(2, stop, work));
}
