// stream_builder.hpp: builds frames as the plugin does, for tests of whatever reads them.
#pragma once

#include "wire/checksum.hpp"
#include "wire/writer.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace walbridge::testing {

/// Writes one connection's stream into memory. Table 1 is public.t (id int4 key, a text).
class StreamBuilder final : public wire::FrameSink {
  public:
    StreamBuilder() : writer_(*this) {}
    virtual ~StreamBuilder() = default;

    void send(std::string_view frame) override { frames.push_back(std::make_shared<const std::string>(frame)); }

    void session(std::uint64_t next_full_xid = 0) {
        wire::Session session;
        session.next_full_xid = next_full_xid;
        writer_.write(session);
    }

    void relation(wire::RelationNumber number = 1) {
        wire::Relation relation;
        relation.oid = 20000;
        relation.schema = "public";
        relation.name = "t";
        wire::Column id, a;
        id.name = "id";
        id.flags = wire::column_flag::key | wire::column_flag::not_null;
        id.type = {23, "pg_catalog", "int4", 'b'};
        a.name = "a";
        a.type = {25, "pg_catalog", "text", 'b'};
        relation.columns = {id, a};
        wire::ByteBuffer descriptor;
        wire::put_descriptor(descriptor, relation);
        writer_.write_relation(number, descriptor.view());
    }

    void begin(wire::Xid xid, wire::Lsn commit_lsn) {
        tally_ = {};
        wire::Begin begin;
        begin.xid = xid;
        begin.commit_lsn = commit_lsn;
        writer_.write(begin);
    }

    void insert(std::string_view id, std::string_view a, wire::RelationNumber number = 1) {
        const wire::ColumnValue values[] = {{wire::ValueKind::text, id}, {wire::ValueKind::text, a}};
        wire::RowChange change;
        change.kind = wire::RecordKind::insert;
        change.relation = number;
        change.new_values = values;
        change.subxid = subxid_;
        writer_.write(change, tally_, subxid_ == 0 ? nullptr : &ledgers_[xid_].of(subxid_));
    }

    /// A block of a transaction in progress; what follows until close_block() belongs to it and to `subxid`.
    void open_block(wire::Xid xid, bool first) {
        tally_ = {};
        xid_ = subxid_ = xid;
        wire::StreamStart start;
        start.xid = xid;
        start.first_block = first;
        writer_.write(start);
    }
    void within(wire::Xid subxid) { subxid_ = subxid; }
    void close_block(std::uint32_t damage = 0) {
        wire::StreamStop stop;
        stop.changes = tally_.changes;
        stop.checksum = tally_.checksum ^ damage;
        writer_.write(stop);
        subxid_ = 0;
    }
    void abort_streamed(wire::Xid xid, wire::Xid subxid) {
        wire::StreamAbort abort;
        abort.xid = xid;
        abort.subxid = subxid;
        writer_.write(abort);
        ledgers_[xid].abort(subxid);
    }
    void commit_streamed(wire::Xid xid, wire::Lsn commit_lsn, std::uint64_t counter, std::uint32_t damage = 0) {
        const auto left = ledgers_[xid].total();
        wire::StreamCommit commit;
        commit.xid = xid;
        commit.commit_lsn = commit_lsn;
        commit.end_lsn = commit_lsn + 8;
        commit.counter = counter;
        commit.changes = left.changes;
        commit.checksum = left.checksum ^ damage;
        writer_.write(commit);
    }

    /// A commit with the honest tally, unless told otherwise.
    void commit(wire::Lsn commit_lsn, std::uint64_t counter, std::uint64_t more_changes = 0, std::uint32_t damage = 0) {
        wire::Commit commit;
        commit.commit_lsn = commit_lsn;
        commit.end_lsn = commit_lsn + 8;
        commit.counter = counter;
        commit.changes = tally_.changes + more_changes;
        commit.checksum = tally_.checksum ^ damage;
        writer_.write(commit);
    }

    void message(wire::Lsn lsn, std::string_view prefix, std::string_view content) {
        wire::Message message;
        message.lsn = lsn;
        message.prefix = prefix;
        message.content = content;
        writer_.write(message);
    }

    /// Inside the transaction or block under way.
    void transactional_message(std::string_view prefix, std::string_view content) {
        wire::Message message;
        message.transactional = true;
        message.prefix = prefix;
        message.content = content;
        message.subxid = subxid_;
        writer_.write(message, &tally_, subxid_ == 0 ? nullptr : &ledgers_[xid_].of(subxid_));
    }

    void flush() { writer_.flush(); }

    std::vector<std::shared_ptr<const std::string>> frames;

  private:
    wire::RecordWriter writer_;
    wire::Tally tally_;
    wire::Xid xid_ = 0, subxid_ = 0; ///< of the open block
    std::map<wire::Xid, wire::StreamLedger> ledgers_;
};

} // namespace walbridge::testing
