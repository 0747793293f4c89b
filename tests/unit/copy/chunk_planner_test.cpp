// chunk_planner_test.cpp: how tables are cut, and that the pieces hold every row exactly once.
#include "copy/chunk_planner.hpp"

#include "table_builder.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace walbridge;
using namespace walbridge::copy;
using test::table;

namespace {

constexpr std::uint64_t mib = 1 << 20;

TaskConfig::Copy config() {
    TaskConfig::Copy copy;
    copy.chunk_bytes = 100 * mib;
    copy.key_chunk_bytes = 1000 * mib;
    return copy;
}

/// How many chunks take `value`.
int takers(const std::vector<Chunk> &chunks, std::int64_t value) {
    int count = 0;
    for (const auto &chunk : chunks)
        count += (!chunk.low || value >= *chunk.low) && (!chunk.high || value < *chunk.high);
    return count;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_small_table_is_one_chunk) {
    const auto cut = choose_cut(table(100, 100 * mib), config(), 150000);
    BOOST_TEST((cut.kind == ChunkKind::whole));
    BOOST_TEST(cut.chunks == 1);
}

BOOST_AUTO_TEST_CASE(a_larger_table_is_cut_by_blocks_where_the_source_can_scan_them) {
    const auto t = table(64000, 450 * mib);
    BOOST_TEST((choose_cut(t, config(), 150000).kind == ChunkKind::ctid));
    BOOST_TEST(choose_cut(t, config(), 150000).chunks == 8);
    BOOST_TEST((choose_cut(t, config(), 130000).kind == ChunkKind::whole));
}

BOOST_AUTO_TEST_CASE(a_table_that_is_cut_has_work_for_all_workers_to_the_end) {
    auto many = config();
    many.workers = 6;
    BOOST_TEST(choose_cut(table(1000, 101 * mib), many, 150000).chunks == 6); // not smaller than a quarter of a chunk
    BOOST_TEST(choose_cut(table(64000, 610 * mib), many, 150000).chunks == 24);
    BOOST_TEST(choose_cut(table(640000, 6100 * mib), many, 150000).chunks == 66);
    many.workers = 1;
    BOOST_TEST(choose_cut(table(64000, 610 * mib), many, 150000).chunks == 7);
}

BOOST_AUTO_TEST_CASE(a_table_with_few_pages_and_much_toast_has_no_more_chunks_than_pages) {
    BOOST_TEST(choose_cut(table(3, 900 * mib), config(), 150000).chunks == 3);
    BOOST_TEST((choose_cut(table(1, 900 * mib), config(), 150000).kind == ChunkKind::whole));
}

BOOST_AUTO_TEST_CASE(a_large_table_with_an_integer_key_is_cut_by_key) {
    const auto cut = choose_cut(table(200000, 1500 * mib), config(), 130000);
    BOOST_TEST((cut.kind == ChunkKind::key));
    BOOST_TEST(cut.chunks == 16);
}

BOOST_AUTO_TEST_CASE(only_a_single_integer_identity_column_that_is_not_null_cuts_by_key) {
    BOOST_TEST(chunk_key(table())->name == "id");
    auto t = table();
    t.columns.front().type_oid = 1700; // numeric
    BOOST_TEST(chunk_key(t) == nullptr);
    t = table();
    t.columns.front().not_null = false;
    BOOST_TEST(chunk_key(t) == nullptr);
    t = table();
    t.indexes.front().columns = {1, 2};
    BOOST_TEST(chunk_key(t) == nullptr);
    t = table();
    t.indexes.front().immediate = false;
    BOOST_TEST(chunk_key(t) == nullptr);
    t = table();
    t.indexes.push_back({"t_note_key", false, true, true, true, false, false, false, {2}});
    BOOST_TEST(chunk_key(t) == nullptr, "a value of the other key may move between ranges");
    t = table();
    t.replica_identity = 'f'; // a change carries the whole row, but nothing says that the key is unique in it
    BOOST_TEST(chunk_key(t) == nullptr);
}

BOOST_AUTO_TEST_CASE(boundaries_split_a_sample_evenly) {
    std::vector<std::int64_t> sample;
    for (int i = 1000; i > 0; --i) sample.push_back(i);
    BOOST_TEST(boundaries_of(sample, 4) == (std::vector<std::int64_t>{251, 501, 751}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(repeated_or_missing_keys_give_fewer_boundaries) {
    BOOST_TEST(boundaries_of({5, 5, 5, 5, 9}, 5) == (std::vector<std::int64_t>{5, 9}),
               boost::test_tools::per_element());
    BOOST_TEST(boundaries_of({}, 5).empty());
}

BOOST_AUTO_TEST_CASE(key_chunks_take_every_key_exactly_once) {
    const auto chunks = make_chunks(table(), {ChunkKind::key, 3}, {-10, 500}, Lsn{1});
    BOOST_REQUIRE_EQUAL(chunks.size(), 3u);
    for (const auto key : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-11}, std::int64_t{-10},
                           std::int64_t{499}, std::int64_t{500}, std::numeric_limits<std::int64_t>::max()})
        BOOST_TEST(takers(chunks, key) == 1);
}

BOOST_AUTO_TEST_CASE(block_chunks_are_open_at_the_end_and_even) {
    const auto chunks = make_chunks(table(1000, 0), {ChunkKind::ctid, 3}, {}, Lsn{7});
    BOOST_REQUIRE_EQUAL(chunks.size(), 3u);
    BOOST_TEST(chunks[0].high.value() == 333);
    BOOST_TEST(chunks[2].low.value() == 666);
    BOOST_TEST(!chunks[2].high.has_value());
    for (const std::int64_t block : {0, 332, 333, 665, 666, 999, 5000}) BOOST_TEST(takers(chunks, block) == 1);
    BOOST_TEST(chunks[1].sync_lsn.value == 7u);
    BOOST_TEST(chunks[1].number == 1);
}
