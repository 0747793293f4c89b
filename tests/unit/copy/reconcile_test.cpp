// reconcile_test.cpp: what becomes of an unfinished table under a newer snapshot.
#include "copy/reconcile.hpp"

#include "copy/chunk_planner.hpp"
#include "table_builder.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::copy;
using test::table;

namespace {

std::vector<Chunk> chunks_of(ChunkKind kind) {
    return make_chunks(table(100, 0), {kind, kind == ChunkKind::whole ? 1 : 2}, {50}, Lsn{1});
}

} // namespace

BOOST_AUTO_TEST_CASE(key_chunks_of_an_unchanged_table_are_kept) {
    const auto now = table(200, 0); // it grew
    BOOST_TEST((judge(chunks_of(ChunkKind::key), &now).fate == Fate::keep));
    BOOST_TEST((judge(chunks_of(ChunkKind::whole), &now).fate == Fate::keep));
}

BOOST_AUTO_TEST_CASE(a_table_cut_by_blocks_starts_again) {
    const auto now = table(100, 0);
    const auto judgement = judge(chunks_of(ChunkKind::ctid), &now);
    BOOST_TEST((judgement.fate == Fate::restart));
    BOOST_TEST(!judgement.new_definition);
}

BOOST_AUTO_TEST_CASE(a_rewritten_or_truncated_table_starts_again_with_its_old_definition) {
    auto now = table();
    now.filenode = 20000;
    const auto judgement = judge(chunks_of(ChunkKind::key), &now);
    BOOST_TEST((judgement.fate == Fate::restart));
    BOOST_TEST(!judgement.new_definition);
}

BOOST_AUTO_TEST_CASE(an_altered_or_renamed_table_starts_again_with_a_new_definition) {
    auto altered = table(), renamed = table();
    altered.columns.pop_back();
    renamed.name.name = "u";
    for (const auto *now : {&altered, &renamed}) {
        const auto judgement = judge(chunks_of(ChunkKind::whole), now);
        BOOST_TEST((judgement.fate == Fate::restart));
        BOOST_TEST(judgement.new_definition);
    }
}

BOOST_AUTO_TEST_CASE(a_table_that_is_not_there_any_more_is_gone) {
    BOOST_TEST((judge(chunks_of(ChunkKind::key), nullptr).fate == Fate::gone));
}

BOOST_AUTO_TEST_CASE(a_table_that_holds_rows_of_both_cannot_start_again_once_a_chunk_is_done) {
    auto chunks = chunks_of(ChunkKind::key);
    chunks.front().done = true;
    BOOST_CHECK_NO_THROW(refuse_mixed_restart(chunks, {})); // all of its rows are ours
    for (auto &chunk : chunks) chunk.existing = Existing::empty;
    BOOST_CHECK_NO_THROW(refuse_mixed_restart(chunks, {}));
    for (auto &chunk : chunks) chunk.existing = Existing::rows;
    BOOST_CHECK_THROW(refuse_mixed_restart(chunks, {}), Error);
    chunks.front().done = false;
    chunks.front().started = true; // what was begun was rolled back
    BOOST_CHECK_NO_THROW(refuse_mixed_restart(chunks, {}));
}
