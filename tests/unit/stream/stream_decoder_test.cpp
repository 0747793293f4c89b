// stream_decoder_test.cpp: what the stream proves: nothing lost, nothing twice, nothing damaged, nothing idle while
// something is pending.
#include "stream_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using walbridge::testing::of_kind;
using walbridge::testing::StreamBuilder;

namespace {

struct Fixture : walbridge::testing::StreamFixture {
    void transaction(wire::Lsn lsn, std::uint64_t counter, const char *id) {
        stream.begin(1, lsn);
        stream.insert(id, "a");
        stream.commit(lsn, counter);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(stream_decoder, Fixture)

BOOST_AUTO_TEST_CASE(a_transaction_becomes_a_piece_with_its_changes_and_positions) {
    transaction(1000, 6, "1");
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 1u);
    BOOST_TEST(batch.pieces[0].commit->end_lsn.value == 1008u);
    BOOST_TEST(batch.pieces[0].begin.commit_lsn.value == 1000u);
    BOOST_REQUIRE(batch.changes.size() == 1u);
    const auto &row = std::get<RowChange>(batch.changes[0]);
    BOOST_TEST(row.relation->name.name == "t");
    BOOST_TEST(row.new_row[0].bytes == "1");
    BOOST_TEST(!decoder.in_transaction());
}

BOOST_AUTO_TEST_CASE(a_lost_transaction_stops_the_stream) {
    transaction(1000, 6, "1");
    transaction(2000, 8, "2");
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_repeated_transaction_stops_the_stream) {
    transaction(1000, 6, "1");
    transaction(1000, 6, "1");
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_lost_change_stops_the_stream) {
    stream.begin(1, 1000);
    stream.insert("1", "a");
    stream.commit(1000, 6, 1);
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_damaged_change_stops_the_stream) {
    stream.begin(1, 1000);
    stream.insert("1", "a");
    stream.commit(1000, 6, 0, 1);
    BOOST_CHECK_EXCEPTION(decode(), Error, of_kind(ErrorKind::stream_gap));
}

BOOST_AUTO_TEST_CASE(a_keepalive_inside_a_transaction_moves_nothing) {
    stream.begin(1, 1000);
    stream.insert("1", "a");
    decode();
    decoder.idle(Lsn{5000}, batch);
    BOOST_TEST(!batch.idle_position.valid());
    stream.commit(1000, 6);
    decode();
    decoder.idle(Lsn{5000}, batch);
    BOOST_TEST(batch.idle_position.value == 5000u);
}

BOOST_AUTO_TEST_CASE(a_heartbeat_carries_a_position_and_its_time) {
    stream.message(3000, heartbeat_prefix, "777");
    decode();
    BOOST_TEST(batch.idle_position.value == 3000u);
    BOOST_TEST(batch.heartbeat_sent == 777);
    BOOST_TEST(batch.urgent_position);
}

BOOST_AUTO_TEST_CASE(a_transaction_continues_in_the_next_batch_with_its_change_numbers) {
    stream.begin(1, 1000);
    stream.insert("1", "a");
    stream.insert("2", "a");
    decode();
    const auto under_way = decoder.cut(batch);
    BOOST_TEST(under_way == 2u);
    BOOST_TEST(decoder.cut(batch) == 2u); // cutting is not handing over
    decoder.handed_over(under_way);
    batch = ChangeBatch();
    stream.insert("3", "a");
    stream.commit(1000, 6);
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 1u);
    BOOST_TEST(!batch.pieces[0].starts);
    BOOST_TEST(batch.pieces[0].offset == 2u);
    BOOST_TEST(batch.pieces[0].commit.has_value());
}

BOOST_AUTO_TEST_CASE(a_stream_without_session_record_is_refused) {
    StreamBuilder bare;
    bare.relation();
    bare.flush();
    BOOST_CHECK_EXCEPTION(decoder.feed(*bare.frames[0], bare.frames[0], batch), Error, of_kind(ErrorKind::protocol));
}

BOOST_AUTO_TEST_CASE(values_outlive_the_frames_they_came_in) {
    const std::string large(200000, 'x');
    stream.begin(1, 1000);
    stream.insert("1", large);
    stream.commit(1000, 6);
    decode();
    BOOST_TEST(std::get<RowChange>(batch.changes[0]).new_row[1].bytes == large);
}

BOOST_AUTO_TEST_SUITE_END()
