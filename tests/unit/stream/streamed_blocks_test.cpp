// streamed_blocks_test.cpp: transactions in progress: blocks of several take turns, parts of them are rolled back, and
// what their commit vouches for is exactly what was received and survived.
#include "stream_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using walbridge::testing::of_kind;

namespace {

struct Fixture : walbridge::testing::StreamFixture {
    void block(std::uint32_t xid, bool first, const char *id) {
        stream.open_block(xid, first);
        stream.insert(id, "a");
        stream.close_block();
    }
};

std::string_view id_of(const Change &change) { return std::get<RowChange>(change).new_row[0].bytes; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(streamed_blocks, Fixture)

BOOST_AUTO_TEST_CASE(blocks_and_whole_transactions_keep_their_order) {
    block(7, true, "1");
    stream.begin(8, 1000);
    stream.insert("2", "a");
    stream.commit(1000, 6);
    block(9, true, "3");
    block(7, false, "4");
    stream.commit_streamed(7, 2000, 7);
    stream.abort_streamed(9, 9);
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 6u);
    using enum StreamStep;
    const StreamStep steps[] = {block, none, block, block, committed, aborted};
    const std::uint32_t xids[] = {7, 8, 9, 7, 7, 9};
    for (std::size_t at = 0; at < 6; ++at) {
        BOOST_TEST((batch.pieces[at].stream == steps[at]));
        BOOST_TEST(batch.pieces[at].begin.xid == xids[at]);
    }
    BOOST_TEST(batch.pieces[0].starts);
    BOOST_TEST(!batch.pieces[3].starts);
    BOOST_TEST(id_of(batch.changes[batch.pieces[3].first]) == "4");
    BOOST_TEST(batch.streamed.size() == 3u);
    BOOST_TEST(batch.pieces[3].first_record == 2u);
    const auto &committed_piece = batch.pieces[4];
    BOOST_TEST(committed_piece.begin.commit_lsn.value == 2000u);
    BOOST_TEST(committed_piece.commit->end_lsn.value == 2008u);
    BOOST_TEST(committed_piece.commit->counter == 7u);
    BOOST_TEST(committed_piece.survived == 2u);
    BOOST_TEST(!decoder.in_transaction());
}

BOOST_AUTO_TEST_CASE(a_block_that_spans_batches_goes_on_in_the_next_one) {
    stream.open_block(7, true);
    stream.insert("1", "a");
    decode();
    BOOST_TEST(decoder.in_transaction());
    decoder.handed_over(decoder.cut(batch));
    BOOST_TEST(batch.pieces[0].last == 1u);
    batch = ChangeBatch();
    stream.insert("2", "a");
    stream.close_block();
    stream.commit_streamed(7, 1000, 6);
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 2u);
    BOOST_TEST((batch.pieces[0].stream == StreamStep::block));
    BOOST_TEST(!batch.pieces[0].starts);
    BOOST_TEST(batch.pieces[0].offset == 1u);
    BOOST_TEST(batch.streamed.size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_a_subtransaction_rolled_back_is_not_vouched_for) {
    stream.open_block(7, true);
    stream.insert("1", "a");
    stream.within(70);
    stream.insert("2", "a");
    stream.within(71);
    stream.insert("3", "a");
    stream.close_block();
    stream.abort_streamed(7, 70);
    stream.commit_streamed(7, 1000, 6);
    decode();
    BOOST_TEST(batch.streamed[1].subxid == 70u);
    BOOST_TEST(batch.pieces[1].subxid == 70u);
    BOOST_TEST(batch.pieces[2].survived == 2u);
}

BOOST_AUTO_TEST_CASE(a_damaged_block_is_refused) {
    stream.open_block(7, true);
    stream.insert("1", "a");
    stream.close_block(1);
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_commit_that_vouches_for_something_else_is_refused) {
    block(7, true, "1");
    stream.commit_streamed(7, 1000, 6, 1);
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_streamed_commit_counts_among_the_others) {
    block(7, true, "1");
    stream.commit_streamed(7, 1000, 7);
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_block_commit_or_rollback_of_an_unknown_transaction_is_refused) {
    block(7, false, "1");
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::protocol));
}

BOOST_AUTO_TEST_CASE(a_transaction_does_not_begin_twice_while_it_is_in_progress) {
    block(7, true, "1");
    block(7, true, "2");
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::protocol));
}

BOOST_AUTO_TEST_CASE(nothing_is_idle_inside_a_block_but_between_blocks_it_may_be) {
    stream.open_block(7, true);
    stream.insert("1", "a");
    decode();
    decoder.idle(Lsn{500}, batch);
    BOOST_TEST(!batch.idle_position.valid());
    stream.close_block();
    decode();
    decoder.idle(Lsn{500}, batch);
    BOOST_TEST(batch.idle_position.value == 500u);
}

BOOST_AUTO_TEST_SUITE_END()
