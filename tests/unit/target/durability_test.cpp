// durability_test.cpp: a position confirmed too early is lost for ever when the target crashes.
#include "target/postgres/durability.hpp"

#include <boost/test/unit_test.hpp>

using walbridge::Lsn;
using walbridge::target::DurabilityTracker;

BOOST_AUTO_TEST_SUITE(durability)

BOOST_AUTO_TEST_CASE(a_commit_is_durable_only_when_the_target_flushed_past_it) {
    DurabilityTracker tracker(Lsn{10});
    tracker.committed(Lsn{20}, Lsn{1000});
    tracker.flushed(Lsn{999});
    BOOST_TEST((tracker.durable() == Lsn{10}));
    BOOST_TEST(tracker.outstanding());
    tracker.flushed(Lsn{1000});
    BOOST_TEST((tracker.durable() == Lsn{20}));
    BOOST_TEST(!tracker.outstanding());
}

BOOST_AUTO_TEST_CASE(a_flush_covers_every_commit_before_it) {
    DurabilityTracker tracker(Lsn{0});
    for (std::uint64_t at = 1; at <= 3; ++at) tracker.committed(Lsn{at}, Lsn{at * 100});
    tracker.flushed(Lsn{250});
    BOOST_TEST((tracker.durable() == Lsn{2}));
    BOOST_TEST(tracker.outstanding());
}

BOOST_AUTO_TEST_SUITE_END()
