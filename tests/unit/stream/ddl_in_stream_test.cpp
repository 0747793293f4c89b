// ddl_in_stream_test.cpp: which transactions bring DDL, and their full ids.
#include "stream_fixture.hpp"
#include "wire/ddl_message.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using walbridge::testing::StreamBuilder;

namespace {

constexpr std::uint64_t epoch = std::uint64_t{1} << 32;

struct Fixture {
    StreamBuilder stream;
    StreamDecoder decoder{0};
    ChangeBatch batch;
    std::uint64_t counter = 0;

    void start(std::uint64_t next_full_xid) {
        stream.session(next_full_xid);
        stream.relation();
    }
    void decode() {
        stream.flush();
        for (const auto &frame : stream.frames) decoder.feed(*frame, frame, batch);
        stream.frames.clear();
    }
    std::uint64_t full_xid(std::uint32_t xid) {
        stream.begin(xid, 1000 + counter);
        stream.insert("1", "a");
        stream.commit(1000 + counter, counter + 1);
        ++counter;
        decode();
        return batch.pieces.back().begin.full_xid;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(ddl_in_stream, Fixture)

BOOST_AUTO_TEST_CASE(full_ids_are_the_nearest) {
    start(5 * epoch + 10);
    BOOST_TEST(full_xid(8) == 5 * epoch + 8);
    BOOST_TEST(full_xid(0xFFFFFFF0U) == 4 * epoch + 0xFFFFFFF0U); // began before the counter went round
    BOOST_TEST(full_xid(11) == 5 * epoch + 11);
    BOOST_TEST(full_xid(0x7FFFFFF0U) == 5 * epoch + 0x7FFFFFF0U);
    BOOST_TEST(full_xid(0xFFFFFF00U) == 5 * epoch + 0xFFFFFF00U);
    BOOST_TEST(full_xid(5) == 6 * epoch + 5); // a long connection outlives an epoch
}

BOOST_AUTO_TEST_CASE(the_first_epoch_has_none_before) {
    start(1000);
    BOOST_TEST(full_xid(999) == 999U);
    BOOST_TEST(full_xid(0xFFFFFFF0U) == 0xFFFFFFF0U);
}

BOOST_AUTO_TEST_CASE(a_transaction_with_ddl_is_marked_from_the_message_on) {
    start(1000);
    stream.begin(1, 2000);
    stream.insert("1", "a");
    decode();
    BOOST_TEST(!batch.pieces.back().ddl);
    decoder.handed_over(decoder.cut(batch));
    batch = ChangeBatch();
    stream.transactional_message(ddl_prefix, "x");
    decode();
    BOOST_TEST(batch.pieces.back().ddl);
    decoder.handed_over(decoder.cut(batch));
    batch = ChangeBatch();
    stream.insert("2", "a");
    stream.commit(2000, 1);
    stream.begin(2, 2100);
    stream.transactional_message("other", "x");
    stream.commit(2100, 2);
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 2U);
    BOOST_TEST(batch.pieces[0].ddl);
    BOOST_TEST(!batch.pieces[1].ddl);
}

BOOST_AUTO_TEST_CASE(blocks_of_a_streamed_transaction_are_marked_likewise) {
    start(1000);
    stream.open_block(7, true);
    stream.insert("1", "a");
    stream.transactional_message(ddl_prefix, "x");
    stream.close_block();
    stream.open_block(8, true);
    stream.insert("5", "a");
    stream.close_block();
    stream.open_block(7, false);
    stream.insert("2", "a");
    stream.close_block();
    decode();
    BOOST_REQUIRE(batch.pieces.size() == 3U);
    BOOST_TEST(batch.pieces[0].ddl);
    BOOST_TEST(!batch.pieces[1].ddl);
    BOOST_TEST(batch.pieces[2].ddl);
    BOOST_TEST(batch.pieces[2].begin.full_xid == 7U);
}

BOOST_AUTO_TEST_SUITE_END()
