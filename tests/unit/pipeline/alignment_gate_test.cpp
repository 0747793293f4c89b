// A transaction applied that the snapshot does not show, or one left out that it shows, is a false difference.
#include "pipeline/alignment_gate.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::pipeline {
namespace {

using State = AlignmentGate::State;

std::shared_ptr<ChangeBatch> batch(const std::vector<std::uint64_t> &xids, std::uint64_t lsn, std::uint64_t idle = 0) {
    auto made = std::make_shared<ChangeBatch>();
    for (const auto xid : xids) {
        TransactionPiece piece;
        piece.begin.full_xid = xid;
        piece.begin.commit_lsn = Lsn{lsn};
        piece.commit = TransactionCommit{Lsn{lsn}, Lsn{lsn + 1}, 0, 0};
        made->pieces.push_back(piece);
        lsn += 10;
    }
    made->idle_position = Lsn{idle};
    return made;
}

struct Fixture {
    AlignmentGate gate;
    BatchQueue queue{10, 1000};
    std::vector<std::uint64_t> applied;
    AlignmentGate::Work work{.apply =
                                 [this](const ChangeBatch &from, std::size_t first, std::size_t last) {
                                     for (auto at = first; at < last; ++at) {
                                         gate.applied(from, from.pieces[at]);
                                         applied.push_back(from.pieces[at].begin.full_xid);
                                     }
                                 },
                             .finish = [](const ChangeBatch &) {},
                             .in_transaction = [] { return false; },
                             .position = [this] { return Lsn{applied.empty() ? 0 : applied.back()}; },
                             .stopping = [] { return false; },
                             .memory = 1000};

    void push(const std::shared_ptr<ChangeBatch> &made) { BOOST_REQUIRE(queue.push(made, 1)); }
    State move(const std::string &snapshot, std::uint64_t taken_before) {
        gate.advance(parse_snapshot(snapshot, Lsn{taken_before}).value());
        gate.step(queue, work);
        return gate.state();
    }
    void hold() {
        gate.hold();
        gate.step(queue, work);
        BOOST_REQUIRE(gate.state() == State::held);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(alignment_gate, Fixture)

BOOST_AUTO_TEST_CASE(a_snapshot_shows_what_ended_before_it) {
    const auto snapshot = parse_snapshot("10:20:12,15", Lsn{1}).value();
    for (const auto xid : {3, 9, 10, 11, 13, 19}) BOOST_TEST(snapshot.shows(static_cast<std::uint64_t>(xid)), xid);
    for (const auto xid : {12, 15, 20, 99}) BOOST_TEST(!snapshot.shows(static_cast<std::uint64_t>(xid)), xid);
    BOOST_TEST(parse_snapshot("10:10:", Lsn{1})->running.empty());
    for (const auto *text : {"", "10", "10:20", "x:20:", "10:20:1,x"})
        BOOST_TEST(!parse_snapshot(text, Lsn{1}).has_value(), text);
}

BOOST_AUTO_TEST_CASE(stops_in_front_of_the_first_that_is_not_shown) {
    hold();
    push(batch({5, 6, 25, 26}, 100, 300));
    BOOST_TEST((move("20:20:", 150) == State::aligned));
    BOOST_TEST(applied == (std::vector<std::uint64_t>{5, 6}), boost::test_tools::per_element());
    BOOST_TEST(gate.position().value == 6);
    gate.release();
    gate.step(queue, work);
    BOOST_TEST(applied == (std::vector<std::uint64_t>{5, 6, 25, 26}), boost::test_tools::per_element());
    BOOST_TEST(gate.empty());
}

BOOST_AUTO_TEST_CASE(a_shown_one_behind_one_that_is_not_needs_another_snapshot) {
    hold();
    push(batch({5, 12, 6}, 100, 300));
    BOOST_TEST((move("12:20:12", 150) == State::mismatch));
    BOOST_TEST(applied == (std::vector<std::uint64_t>{5}), boost::test_tools::per_element());
    push(batch({30}, 400, 500));
    BOOST_TEST((move("21:21:", 390) == State::aligned)); // by now it became visible
    BOOST_TEST(applied == (std::vector<std::uint64_t>{5, 12, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_applied_before_it_became_visible_needs_another_snapshot) {
    const auto early = batch({12}, 50);
    work.apply(*early, 0, 1);
    hold();
    push(batch({}, 0, 300));
    BOOST_TEST((move("12:20:12", 150) == State::mismatch));
    BOOST_TEST((move("21:21:", 150) == State::aligned));
}

BOOST_AUTO_TEST_CASE(an_idle_stream_is_aligned_by_its_position) {
    hold();
    push(batch({}, 0, 300));
    BOOST_TEST((move("20:20:", 150) == State::aligned));
    BOOST_TEST(applied.empty());
}

BOOST_AUTO_TEST_CASE(a_release_wins_over_what_the_applier_answers) {
    gate.hold();
    gate.release();
    gate.set(State::held);
    BOOST_TEST(gate.open());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::pipeline
