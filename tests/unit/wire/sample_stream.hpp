// sample_stream.hpp: a stream with every record kind, used by the golden, damage and round-trip tests, and a sink that
// keeps frames.
#pragma once

#include "wire/reader.hpp"
#include "wire/writer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace walbridge::wire::testing {

struct MemorySink final : FrameSink {
    std::vector<std::string> frames;
    void send(std::string_view frame) override { frames.emplace_back(frame); }
};

inline ColumnValue null() { return {ValueKind::null, {}}; }
inline ColumnValue unchanged() { return {ValueKind::unchanged, {}}; }
inline ColumnValue text(std::string_view bytes) { return {ValueKind::text, bytes}; }
inline ColumnValue binary(std::string_view bytes) { return {ValueKind::binary, bytes}; }
// In the form of its column's layout, which knows its length.
inline ColumnValue laid_out(std::string_view bytes) { return {ValueKind::binary, bytes, false}; }

// Six columns, so that the tuple's kinds need a second byte; id and part are the key.
inline Relation sample_relation(RelationNumber number) {
    Relation relation{.number = number,
                      .oid = 16500,
                      .schema = "public",
                      .name = "Größe",
                      .kind = 'r',
                      .identity = 'd',
                      .columns = {}};
    const auto add = [&](Column column) { relation.columns.push_back(std::move(column)); };
    add({.name = "id",
         .flags = column_flag::key | column_flag::identity_always | column_flag::not_null,
         .type = {20, "pg_catalog", "int8", 'b'},
         .layout = Layout::int8});
    add({.name = "part",
         .flags = column_flag::key | column_flag::not_null,
         .type = {700, "pg_catalog", "float4", 'b'},
         .layout = static_cast<Layout>(4)});
    add({.name = "price", .type = {1700, "pg_catalog", "numeric", 'b'}, .typmod = 655366, .layout = Layout::numeric});
    add({.name = "mood", .type = {16600, "public", "mood", 'e'}, .labels = {"sad", "ok", "happy"}});
    add({.name = "moods",
         .type = {16601, "public", "_mood", 'a'},
         .element = {16600, "public", "mood", 'e'},
         .labels = {"sad", "ok", "happy"}});
    add({.name = "body",
         .flags = column_flag::generated,
         .type = {25, "pg_catalog", "text", 'b'},
         .collation_schema = "pg_catalog",
         .collation_name = "C"});
    return relation;
}

inline void write_relation(RecordWriter &out, const Relation &relation) {
    ByteBuffer descriptor;
    put_descriptor(descriptor, relation);
    out.write_relation(relation.number, descriptor.view());
}

inline void write_sample_stream(FrameSink &sink, Compression compression = Compression::none) {
    RecordWriter out(sink, compression);
    out.write(Session{.plugin_version = "1.0",
                      .server_version_num = 150020,
                      .database_oid = 5,
                      .database = "shop",
                      .server_encoding = "UTF8",
                      .counter_seed = 41,
                      .next_full_xid = (std::uint64_t{3} << 32) | 712});
    const std::string_view id("\x0e"); // 7
    const std::string_view part("\0\0\0\1", 4);
    const std::vector<ColumnValue> row = {laid_out(id), laid_out(part), null(), text("ok"), unchanged(), text("")};
    const std::vector<ColumnValue> key = {laid_out(id), laid_out(part)};

    Tally tally;
    out.write(Begin{.xid = 700, .commit_lsn = 0x1000, .commit_time = -1, .origin = "other", .origin_lsn = 0x99});
    write_relation(out, sample_relation(1));
    out.write(RowChange{.kind = RecordKind::insert, .relation = 1, .new_values = row}, tally);
    out.write(RowChange{.kind = RecordKind::update, .relation = 1, .new_values = row}, tally);
    out.write(
        RowChange{
            .kind = RecordKind::update, .relation = 1, .old_kind = OldTuple::key, .old_values = key, .new_values = row},
        tally);
    out.write(RowChange{.kind = RecordKind::update,
                        .relation = 1,
                        .old_kind = OldTuple::full,
                        .old_values = row,
                        .new_values = row},
              tally);
    out.write(RowChange{.kind = RecordKind::erase, .relation = 1, .old_kind = OldTuple::key, .old_values = key}, tally);
    out.write(RowChange{.kind = RecordKind::erase, .relation = 1, .old_kind = OldTuple::full, .old_values = row},
              tally);
    out.write(RowChange{.kind = RecordKind::unidentified, .relation = 1, .operation = 'U', .new_values = row}, tally);
    out.write(RowChange{.kind = RecordKind::unidentified, .relation = 1, .operation = 'D'}, tally);
    out.write(Truncate{.relations = {1}, .cascade = true, .restart_identity = true}, tally);
    out.write(Message{.transactional = true, .lsn = 0x1100, .prefix = "app", .content = std::string_view("a\0b", 3)},
              &tally);
    out.write(Commit{.commit_lsn = 0x1000,
                     .end_lsn = 0x1200,
                     .commit_time = -1,
                     .counter = 42,
                     .changes = tally.changes,
                     .checksum = tally.checksum});
    out.flush();

    out.write(Message{.transactional = false, .lsn = 0x1300, .prefix = "beat", .content = ""});
    out.flush();

    Tally prepared;
    out.write(BeginPrepare{.xid = 701, .gid = "g", .prepare_lsn = 0x1400, .end_lsn = 0x1500, .prepare_time = 2});
    out.write(RowChange{.kind = RecordKind::insert, .relation = 1, .new_values = row}, prepared);
    out.write(Prepare{.xid = 701,
                      .gid = "g",
                      .prepare_lsn = 0x1400,
                      .end_lsn = 0x1500,
                      .prepare_time = 2,
                      .changes = prepared.changes,
                      .checksum = prepared.checksum});
    out.write(CommitPrepared{
        .xid = 701, .gid = "g", .commit_lsn = 0x1600, .end_lsn = 0x1700, .commit_time = 3, .counter = 43});
    out.write(RollbackPrepared{.xid = 702,
                               .gid = "h",
                               .prepare_end_lsn = 0x1800,
                               .rollback_end_lsn = 0x1900,
                               .prepare_time = 4,
                               .rollback_time = 5});
    out.flush();

    StreamLedger ledger;
    Tally block;
    out.write(StreamStart{.xid = 800, .first_block = true, .origin = "other"});
    out.write(RowChange{.kind = RecordKind::insert, .subxid = 800, .relation = 1, .new_values = row}, block,
              &ledger.of(800));
    out.write(
        RowChange{
            .kind = RecordKind::erase, .subxid = 801, .relation = 1, .old_kind = OldTuple::key, .old_values = key},
        block, &ledger.of(801));
    out.write(Message{.subxid = 801, .transactional = true, .lsn = 0x2000, .prefix = "app", .content = "x"}, &block,
              &ledger.of(801));
    out.write(Truncate{.subxid = 800, .relations = {1}}, block, &ledger.of(800));
    out.write(StreamStop{.changes = block.changes, .checksum = block.checksum});
    out.flush();
    out.write(StreamAbort{.xid = 800, .subxid = 801, .abort_lsn = 0x2100});
    out.flush();
    ledger.abort(801);
    const Tally total = ledger.total();
    out.write(StreamCommit{.xid = 800,
                           .commit_lsn = 0x2200,
                           .end_lsn = 0x2300,
                           .commit_time = 6,
                           .counter = 44,
                           .origin_lsn = 0x98,
                           .changes = total.changes,
                           .checksum = total.checksum});
    out.write(StreamPrepare{.xid = 803, .gid = "empty", .prepare_lsn = 0x2400, .end_lsn = 0x2500, .prepare_time = 7});
    out.flush();
}

// Reads one record of any kind completely, keeping track of relations and stream blocks; what a consumer does without
// its consequences.
class Consumer {
  public:
    void read(std::string_view bytes) {
        switch (kind(bytes)) {
        case RecordKind::session: read_session(bytes); break;
        case RecordKind::relation: shapes_.learn(read_relation(bytes)); break;
        case RecordKind::begin: read_begin(bytes, last_begin_); break;
        case RecordKind::insert:
        case RecordKind::update:
        case RecordKind::erase:
        case RecordKind::unidentified: read_row(bytes, block_, shapes_, values_, *memory_); break;
        case RecordKind::truncate: read_truncate(bytes, block_); break;
        case RecordKind::message: read_message(bytes, block_); break;
        case RecordKind::commit: read_commit(bytes, last_begin_); break;
        case RecordKind::begin_prepare: read_begin_prepare(bytes); break;
        case RecordKind::prepare: read_prepare(bytes); break;
        case RecordKind::commit_prepared: read_commit_prepared(bytes); break;
        case RecordKind::rollback_prepared: read_rollback_prepared(bytes); break;
        case RecordKind::stream_start:
            read_stream_start(bytes);
            block_ = Block::streamed;
            break;
        case RecordKind::stream_stop:
            read_stream_stop(bytes);
            block_ = Block::plain;
            break;
        case RecordKind::stream_abort: read_stream_abort(bytes); break;
        case RecordKind::stream_commit: read_stream_commit(bytes); break;
        case RecordKind::stream_prepare: read_stream_prepare(bytes); break;
        }
    }

  private:
    ShapeTable shapes_;
    LastBegin last_begin_;
    Block block_ = Block::plain;
    std::shared_ptr<std::pmr::memory_resource> memory_ = std::make_shared<std::pmr::monotonic_buffer_resource>();
    std::vector<ColumnValue> values_;
};

} // namespace walbridge::wire::testing
