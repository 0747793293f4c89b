// durability_test.cpp: a position confirmed too early is lost for ever when the target crashes.
#include "target/durability.hpp"

#include <boost/test/unit_test.hpp>

using walbridge::Lsn;
using walbridge::target::DurabilityTracker;

namespace {

void commit(DurabilityTracker &tracker, Lsn source, Lsn target) {
    tracker.committing(source);
    tracker.committed(target);
}

} // namespace

BOOST_AUTO_TEST_SUITE(durability)

BOOST_AUTO_TEST_CASE(a_commit_is_durable_only_when_the_target_flushed_past_it) {
    DurabilityTracker tracker(Lsn{10});
    commit(tracker, Lsn{20}, Lsn{1000});
    tracker.flushed(Lsn{999});
    BOOST_TEST((tracker.durable() == Lsn{10}));
    BOOST_TEST(tracker.outstanding());
    tracker.flushed(Lsn{1000});
    BOOST_TEST((tracker.durable() == Lsn{20}));
    BOOST_TEST(!tracker.outstanding());
}

BOOST_AUTO_TEST_CASE(a_flush_covers_every_commit_before_it) {
    DurabilityTracker tracker(Lsn{0});
    for (std::uint64_t at = 1; at <= 3; ++at) commit(tracker, Lsn{at}, Lsn{at * 100});
    tracker.flushed(Lsn{250});
    BOOST_TEST((tracker.durable() == Lsn{2}));
    BOOST_TEST(tracker.outstanding());
}

BOOST_AUTO_TEST_CASE(a_session_speaks_for_the_commits_since_it_connected_only) {
    DurabilityTracker tracker(Lsn{0});
    commit(tracker, Lsn{1}, Lsn{5000}); // of the life before a crash, which nobody has noticed yet
    const auto since = tracker.commits();
    commit(tracker, Lsn{2}, Lsn{300}); // by a session that connected to the new life
    tracker.flushed(Lsn{6000}, since);
    BOOST_TEST((tracker.durable() == Lsn{0}));
    tracker.flushed(Lsn{5000});
    BOOST_TEST((tracker.durable() == Lsn{2}));
    BOOST_TEST(!tracker.outstanding());
    commit(tracker, Lsn{3}, Lsn{7000});
    tracker.flushed(Lsn{7000}, since);
    BOOST_TEST((tracker.durable() == Lsn{3}));
}

BOOST_AUTO_TEST_CASE(a_commit_without_an_answer_is_not_durable) {
    DurabilityTracker tracker(Lsn{0});
    tracker.committing(Lsn{1});
    tracker.flushed(Lsn{9000});
    BOOST_TEST((tracker.durable() == Lsn{0}));
    BOOST_TEST(tracker.outstanding());
}

BOOST_AUTO_TEST_CASE(a_refused_commit_is_waited_for_by_nobody) {
    DurabilityTracker tracker(Lsn{100});
    tracker.committing(Lsn{200});
    tracker.refused();
    BOOST_TEST(!tracker.outstanding());
    tracker.committing(Lsn{200});
    tracker.committed(Lsn{10});
    tracker.flushed(Lsn{10});
    BOOST_TEST(tracker.durable().value == 200u);
}

BOOST_AUTO_TEST_SUITE_END()
