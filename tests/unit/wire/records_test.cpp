// records_test.cpp: every record kind survives the way out and back, and what the document forbids is refused with a
// reason.
#include "sample_stream.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::wire;
using namespace walbridge::wire::testing;

namespace {

std::vector<std::string> sample_records() {
    MemorySink sink;
    write_sample_stream(sink);
    RecordAssembler assembler;
    std::vector<std::string> records;
    for (const std::string &frame : sink.frames) {
        assembler.feed(frame, nullptr);
        while (auto record = assembler.next()) records.emplace_back(record->bytes);
    }
    return records;
}

std::string nth(RecordKind wanted, int n = 0) {
    for (const std::string &record : sample_records())
        if (kind(record) == wanted && n-- == 0) return record;
    throw std::logic_error("the sample has no such record");
}

ShapeTable sample_shapes() {
    ShapeTable shapes;
    shapes.learn(sample_relation(1));
    return shapes;
}

std::pmr::monotonic_buffer_resource memory;

RowChange row_of(std::string_view record, Block block, const ShapeTable &shapes, std::vector<ColumnValue> &values) {
    return read_row(record, block, shapes, values, memory);
}

Begin begin_of(std::string_view record) {
    LastBegin none;
    return read_begin(record, none);
}

// The commit of the sample's only whole transaction.
Commit commit_of(std::string_view record) { return read_commit(record, {700, 0x1000, -1}); }

auto reason_contains(std::string part) {
    return [part](const ProtocolError &e) {
        BOOST_TEST_MESSAGE(e.what());
        return e.reason().find(part) != std::string::npos;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(the_session_record_carries_what_the_plugin_is) {
    const std::string bytes = nth(RecordKind::session);
    const Session session = read_session(bytes);
    BOOST_TEST(session.protocol == protocol_version);
    BOOST_TEST(session.plugin_version == "1.0");
    BOOST_TEST(session.server_version_num == 150020u);
    BOOST_TEST(session.database_oid == 5u);
    BOOST_TEST(session.database == "shop");
    BOOST_TEST(session.server_encoding == "UTF8");
    BOOST_TEST(session.counter_seed == 41u);
    BOOST_TEST(session.next_full_xid == ((std::uint64_t{3} << 32) | 712));
}

BOOST_AUTO_TEST_CASE(another_protocol_version_is_refused_by_number) {
    MemorySink sink;
    RecordWriter out(sink);
    out.write(Session{.protocol = 2});
    out.flush();
    RecordAssembler assembler;
    assembler.feed(sink.frames.at(0), nullptr);
    BOOST_CHECK_EXCEPTION(read_session(assembler.next()->bytes), ProtocolError,
                          reason_contains("version 2 is not supported"));
}

BOOST_AUTO_TEST_CASE(a_relation_keeps_every_attribute_of_its_columns) {
    const std::string bytes = nth(RecordKind::relation);
    const Relation relation = read_relation(bytes);
    const Relation expected = sample_relation(1);
    BOOST_TEST(relation.number == 1u);
    BOOST_TEST(relation.oid == expected.oid);
    BOOST_TEST(relation.schema == "public");
    BOOST_TEST(relation.name == "Größe");
    BOOST_TEST(relation.kind == 'r');
    BOOST_TEST(relation.identity == 'd');
    BOOST_REQUIRE_EQUAL(relation.columns.size(), expected.columns.size());
    for (std::size_t i = 0; i < expected.columns.size(); ++i) {
        const Column &a = relation.columns[i];
        const Column &b = expected.columns[i];
        BOOST_TEST(a.name == b.name);
        BOOST_TEST(a.flags == b.flags);
        BOOST_TEST(a.type.oid == b.type.oid);
        BOOST_TEST(a.type.schema == b.type.schema);
        BOOST_TEST(a.type.name == b.type.name);
        BOOST_TEST(a.type.category == b.type.category);
        BOOST_TEST(a.typmod == b.typmod);
        BOOST_TEST(a.element.oid == b.element.oid);
        BOOST_TEST(a.element.name == b.element.name);
        BOOST_TEST(a.collation_schema == b.collation_schema);
        BOOST_TEST(a.collation_name == b.collation_name);
        BOOST_TEST((a.layout == b.layout));
        BOOST_TEST(a.labels == b.labels, boost::test_tools::per_element());
    }
    BOOST_TEST(shape_of(relation).row.columns.size() == 6u);
    BOOST_TEST(shape_of(relation).key.columns.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_relation_says_which_table_it_is_the_new_form_of) {
    MemorySink sink;
    RecordWriter out(sink);
    Relation rewritten = sample_relation(1);
    rewritten.rewrite_of = 4'000'000'000;
    write_relation(out, rewritten);
    out.flush();
    RecordAssembler assembler;
    assembler.feed(sink.frames.at(0), nullptr);
    const auto record = assembler.next();
    BOOST_TEST(read_relation(record->bytes).rewrite_of == 4'000'000'000u);
    BOOST_TEST(read_relation(nth(RecordKind::relation)).rewrite_of == 0u);
}

BOOST_AUTO_TEST_CASE(a_row_tells_null_unchanged_empty_text_and_binary_apart) {
    const std::string bytes = nth(RecordKind::insert);
    std::vector<ColumnValue> storage;
    const RowChange row = row_of(bytes, Block::plain, sample_shapes(), storage);
    BOOST_TEST(row.relation == 1u);
    BOOST_TEST(row.subxid == 0u);
    BOOST_TEST(row.old_values.empty());
    BOOST_REQUIRE_EQUAL(row.new_values.size(), 6u);
    BOOST_TEST((row.new_values[0].kind == ValueKind::binary));
    BOOST_TEST(row.new_values[0].bytes == std::string_view("\0\0\0\0\0\0\0\7", 8));
    BOOST_TEST((row.new_values[2].kind == ValueKind::null));
    BOOST_TEST((row.new_values[3].kind == ValueKind::text));
    BOOST_TEST(row.new_values[3].bytes == "ok");
    BOOST_TEST((row.new_values[4].kind == ValueKind::unchanged));
    BOOST_TEST((row.new_values[5].kind == ValueKind::text));
    BOOST_TEST(row.new_values[5].bytes == "");
}

BOOST_AUTO_TEST_CASE(old_rows_cover_the_key_or_all_columns) {
    std::vector<ColumnValue> storage;
    const ShapeTable shapes = sample_shapes();
    const std::size_t old_sizes[] = {0, 2, 6};
    for (int i = 0; i < 3; ++i) {
        const std::string bytes = nth(RecordKind::update, i);
        const RowChange row = row_of(bytes, Block::plain, shapes, storage);
        BOOST_TEST((row.old_kind == static_cast<OldTuple>(i)));
        BOOST_TEST(row.old_values.size() == old_sizes[i]);
        BOOST_TEST(row.new_values.size() == 6u);
    }
    for (int i = 0; i < 2; ++i) {
        const std::string bytes = nth(RecordKind::erase, i);
        const RowChange row = row_of(bytes, Block::plain, shapes, storage);
        BOOST_TEST(row.old_values.size() == old_sizes[i + 1]);
        BOOST_TEST(row.new_values.empty());
    }
}

BOOST_AUTO_TEST_CASE(an_unidentified_change_names_its_operation) {
    std::vector<ColumnValue> storage;
    const ShapeTable shapes = sample_shapes();
    const std::string update = nth(RecordKind::unidentified, 0);
    BOOST_TEST(row_of(update, Block::plain, shapes, storage).operation == 'U');
    BOOST_TEST(storage.size() == 6u);
    const std::string erase = nth(RecordKind::unidentified, 1);
    BOOST_TEST(row_of(erase, Block::plain, shapes, storage).operation == 'D');
    BOOST_TEST(storage.empty());
}

BOOST_AUTO_TEST_CASE(changes_in_a_stream_block_carry_their_subtransaction) {
    std::vector<ColumnValue> storage;
    const ShapeTable shapes = sample_shapes();
    const std::string insert = nth(RecordKind::insert, 2);
    const RowChange row = row_of(insert, Block::streamed, shapes, storage);
    BOOST_TEST(row.subxid == 800u);
    BOOST_TEST(row.relation == 1u);
    BOOST_TEST(row_relation(insert, Block::streamed) == 1u);
    const std::string message = nth(RecordKind::message, 2);
    BOOST_TEST(read_message(message, Block::streamed).subxid == 801u);
    const std::string truncate = nth(RecordKind::truncate, 1);
    BOOST_TEST(read_truncate(truncate, Block::streamed).subxid == 800u);
    BOOST_TEST(read_truncate(truncate, Block::streamed).cascade == false);
}

BOOST_AUTO_TEST_CASE(truncates_and_messages_keep_their_flags) {
    const std::string truncate = nth(RecordKind::truncate);
    BOOST_TEST(read_truncate(truncate, Block::plain).cascade);
    BOOST_TEST(read_truncate(truncate, Block::plain).restart_identity);
    const std::string inside = nth(RecordKind::message);
    BOOST_TEST(read_message(inside, Block::plain).transactional);
    BOOST_TEST(read_message(inside, Block::plain).content == std::string_view("a\0b", 3));
    const std::string outside = nth(RecordKind::message, 1);
    BOOST_TEST(!read_message(outside, Block::plain).transactional);
    BOOST_TEST(read_message(outside, Block::plain).prefix == "beat");
}

BOOST_AUTO_TEST_CASE(begin_and_commit_keep_both_positions_and_times) {
    const std::string b = nth(RecordKind::begin);
    const Begin begin = begin_of(b);
    BOOST_TEST(begin.xid == 700u);
    BOOST_TEST(begin.commit_lsn == 0x1000u);
    BOOST_TEST(begin.commit_time == -1);
    BOOST_TEST(begin.origin == "other");
    BOOST_TEST(begin.origin_lsn == 0x99u);
    const std::string c = nth(RecordKind::commit);
    const Commit commit = commit_of(c);
    BOOST_TEST(commit.commit_lsn == 0x1000u);
    BOOST_TEST(commit.end_lsn == 0x1200u);
    BOOST_TEST(commit.commit_time == -1);
    BOOST_TEST(commit.counter == 42u);
    BOOST_TEST(commit.changes == 10u);
}

BOOST_AUTO_TEST_CASE(prepared_transactions_keep_their_identifier) {
    const std::string b = nth(RecordKind::begin_prepare), p = nth(RecordKind::prepare),
                      k = nth(RecordKind::commit_prepared), r = nth(RecordKind::rollback_prepared);
    BOOST_TEST(read_begin_prepare(b).gid == "g");
    BOOST_TEST(read_begin_prepare(b).end_lsn == 0x1500u);
    BOOST_TEST(read_prepare(p).changes == 1u);
    BOOST_TEST(read_prepare(p).prepare_time == 2);
    BOOST_TEST(read_commit_prepared(k).counter == 43u);
    BOOST_TEST(read_commit_prepared(k).end_lsn == 0x1700u);
    BOOST_TEST(read_rollback_prepared(r).rollback_end_lsn == 0x1900u);
    BOOST_TEST(read_rollback_prepared(r).rollback_time == 5);
}

BOOST_AUTO_TEST_CASE(streamed_transactions_keep_their_frame) {
    const std::string s = nth(RecordKind::stream_start), e = nth(RecordKind::stream_stop),
                      a = nth(RecordKind::stream_abort), c = nth(RecordKind::stream_commit),
                      q = nth(RecordKind::stream_prepare);
    BOOST_TEST(read_stream_start(s).first_block);
    BOOST_TEST(read_stream_start(s).origin == "other");
    BOOST_TEST(read_stream_stop(e).changes == 4u);
    BOOST_TEST(read_stream_abort(a).subxid == 801u);
    BOOST_TEST(read_stream_commit(c).changes == 2u);
    BOOST_TEST(read_stream_commit(c).counter == 44u);
    BOOST_TEST(read_stream_prepare(q).gid == "empty");
    BOOST_TEST(read_stream_prepare(q).checksum == 0u);
}

BOOST_AUTO_TEST_CASE(the_checksum_of_a_transaction_can_be_recomputed_from_its_records) {
    Tally tally;
    bool inside = false;
    for (const std::string &record : sample_records()) {
        const RecordKind found = kind(record);
        if (found == RecordKind::begin) inside = true;
        if (inside && is_change(found)) tally.add(record);
        if (found == RecordKind::commit) {
            BOOST_TEST(commit_of(record).changes == tally.changes);
            BOOST_TEST(commit_of(record).checksum == tally.checksum);
            return;
        }
    }
    BOOST_ERROR("no commit in the sample");
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_is_refused_by_name) {
    BOOST_CHECK_EXCEPTION(kind("Z..."), ProtocolError, reason_contains("unknown record kind 0x5a 'Z'"));
    BOOST_CHECK_THROW(kind(""), ProtocolError);
}

BOOST_AUTO_TEST_CASE(a_record_of_another_kind_is_refused) {
    const std::string bytes = nth(RecordKind::commit);
    BOOST_CHECK_EXCEPTION(begin_of(bytes), ProtocolError, reason_contains("expected a begin record and found commit"));
}

BOOST_AUTO_TEST_CASE(bytes_left_over_are_refused) {
    std::string bytes = nth(RecordKind::commit);
    bytes += 'x';
    BOOST_CHECK_EXCEPTION(commit_of(bytes), ProtocolError, reason_contains("left over"));
}

BOOST_AUTO_TEST_CASE(a_row_of_an_unknown_relation_is_refused) {
    const std::string bytes = nth(RecordKind::insert);
    std::vector<ColumnValue> storage;
    BOOST_CHECK_EXCEPTION(row_of(bytes, Block::plain, ShapeTable(), storage), ProtocolError,
                          reason_contains("has not been defined"));
}

BOOST_AUTO_TEST_CASE(a_relation_number_is_never_given_twice_and_never_skipped) {
    ShapeTable shapes = sample_shapes();
    BOOST_CHECK_THROW(shapes.learn(sample_relation(1)), ProtocolError);
    shapes.learn(sample_relation(2));
    BOOST_CHECK_THROW(shapes.learn(sample_relation(4000000000u)), ProtocolError);
}

BOOST_AUTO_TEST_CASE(transactions_follow_each_other_by_differences_in_either_direction) {
    const LastBegin transactions[] = {{UINT32_MAX, UINT64_MAX, INT64_MIN},
                                      {1, 0, INT64_MAX},
                                      {900, 0x5000, 12},
                                      {899, 0x5100, 11},
                                      {899, 0x5100, 11}};
    MemorySink sink;
    RecordWriter out(sink);
    for (const auto &[xid, lsn, time] : transactions) {
        out.write(Begin{.xid = xid, .commit_lsn = lsn, .commit_time = time});
        out.write(Commit{.commit_lsn = lsn,
                         .end_lsn = lsn + 8,
                         .commit_time = time,
                         .counter = UINT64_MAX - 1,
                         .changes = 128,
                         .checksum = UINT32_MAX});
    }
    out.flush();
    RecordAssembler assembler;
    assembler.feed(sink.frames.at(0), nullptr);
    LastBegin last;
    for (const auto &[xid, lsn, time] : transactions) {
        const Begin begin = read_begin(assembler.next()->bytes, last);
        BOOST_TEST(begin.xid == xid);
        BOOST_TEST(begin.commit_lsn == lsn);
        BOOST_TEST(begin.commit_time == time);
        const Commit commit = read_commit(assembler.next()->bytes, last);
        BOOST_TEST(commit.commit_lsn == lsn);
        BOOST_TEST(commit.end_lsn == lsn + 8);
        BOOST_TEST(commit.commit_time == time);
        BOOST_TEST(commit.counter == UINT64_MAX - 1);
        BOOST_TEST(commit.changes == 128u);
        BOOST_TEST(commit.checksum == UINT32_MAX);
    }
}

BOOST_AUTO_TEST_CASE(a_step_to_an_impossible_transaction_id_is_refused) {
    using namespace std::string_view_literals;
    LastBegin last{.xid = 1};
    BOOST_CHECK_EXCEPTION(read_begin("B\x01\0\0\0"sv, last), ProtocolError, reason_contains("out of range"));
    BOOST_CHECK_EXCEPTION(read_begin("B\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0"sv, last), ProtocolError,
                          reason_contains("out of range"));
    BOOST_TEST(read_begin("B\0\0\0\0"sv, last).xid == 1u);
}

BOOST_AUTO_TEST_CASE(a_commit_that_contradicts_its_begin_is_not_written) {
    MemorySink sink;
    RecordWriter out(sink);
    out.write(Begin{.xid = 1, .commit_lsn = 100});
    BOOST_CHECK_THROW(out.write(Commit{.commit_lsn = 101, .end_lsn = 102}), std::logic_error);
}

BOOST_AUTO_TEST_CASE(a_varint_has_one_form_only) {
    using namespace std::string_view_literals;
    BOOST_CHECK_EXCEPTION(read_stream_stop("e\x80\0\0\0\0\0"sv), ProtocolError, reason_contains("shortest form"));
    BOOST_CHECK_EXCEPTION(read_stream_stop("e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0\0\0"sv), ProtocolError,
                          reason_contains("64 bits"));
}

BOOST_AUTO_TEST_CASE(a_table_without_columns_has_an_empty_tuple) {
    ShapeTable shapes;
    shapes.learn(Relation{.number = 1, .schema = "s", .name = "t", .columns = {}});
    MemorySink sink;
    RecordWriter out(sink);
    Tally tally;
    out.write(RowChange{.kind = RecordKind::insert, .relation = 1}, tally);
    out.flush();
    RecordAssembler assembler;
    assembler.feed(sink.frames.at(0), nullptr);
    std::vector<ColumnValue> storage;
    const auto record = assembler.next();
    BOOST_TEST(row_of(record->bytes, Block::plain, shapes, storage).new_values.empty());
}

BOOST_AUTO_TEST_SUITE_END()
