// stream_decoder.cpp: records to changes, and the proofs a commit record allows.
#include "wire/stream_decoder.hpp"

#include "base/error.hpp"

#include <charconv>
#include <fmt/format.h>

namespace walbridge {
namespace {

ValueKind kind_of(wire::ValueKind kind) {
    switch (kind) {
    case wire::ValueKind::null: return ValueKind::null;
    case wire::ValueKind::unchanged: return ValueKind::unchanged;
    case wire::ValueKind::text: return ValueKind::text;
    case wire::ValueKind::binary: return ValueKind::binary;
    }
    return ValueKind::null;
}

Column column_of(const wire::Column &source) {
    Column column;
    column.name = source.name;
    column.key = source.has(wire::column_flag::key);
    column.not_null = source.has(wire::column_flag::not_null);
    column.identity_always = source.has(wire::column_flag::identity_always);
    column.identity_by_default = source.has(wire::column_flag::identity_by_default);
    column.generated = source.has(wire::column_flag::generated);
    column.type_oid = source.type.oid;
    column.type_schema = source.type.schema;
    column.type_name = source.type.name;
    column.type_kind = source.type.category;
    column.typmod = source.typmod;
    column.base_type_oid = source.element.oid;
    column.base_type_schema = source.element.schema;
    column.base_type_name = source.element.name;
    if (!source.collation_name.empty())
        column.collation = fmt::format("{}.{}", source.collation_schema, source.collation_name);
    for (const auto label : source.labels) column.enum_labels.emplace_back(label);
    return column;
}

Error gap(std::string reason) {
    return Error(ErrorKind::stream_gap, "change stream", std::move(reason),
                 "Nothing of this transaction was applied. Keep the slot, note the position and report it; `walbridge "
                 "reset` starts the task over.");
}

} // namespace

StreamDecoder::StreamDecoder(std::uint64_t counter) : counter_(counter) {}

void StreamDecoder::feed(std::string_view frame, const std::shared_ptr<const void> &owner, ChangeBatch &batch) {
    try {
        assembler_.feed(frame, owner);
        batch.bytes += frame.size();
        while (const auto record = assembler_.next()) decode(*record, batch);
    } catch (const wire::ProtocolError &error) {
        throw Error(ErrorKind::protocol, "change stream",
                    fmt::format("{} (at byte {})", error.reason(), error.offset()),
                    "Make sure that extension and applier are of the same release; a retry reads the stream again from "
                    "the stored position.");
    }
}

void StreamDecoder::idle(Lsn position, ChangeBatch &batch) const {
    if (!in_transaction() && position > batch.idle_position) batch.idle_position = position;
}

void StreamDecoder::open_piece(ChangeBatch &batch, bool starts) {
    TransactionPiece piece;
    piece.begin = begin_;
    piece.starts = starts;
    piece.offset = offset_;
    piece.first = piece.last = batch.changes.size();
    batch.pieces.push_back(std::move(piece));
}

std::size_t StreamDecoder::cut(ChangeBatch &batch) const {
    if (!in_transaction_ || batch.pieces.empty() || batch.pieces.back().commit) return 0;
    auto &piece = batch.pieces.back();
    piece.last = batch.changes.size();
    return piece.last - piece.first;
}

void StreamDecoder::decode(const wire::Record &record, ChangeBatch &batch) {
    const auto kind = wire::kind(record.bytes);
    if (!session_seen_ && kind != wire::RecordKind::session)
        throw Error(ErrorKind::protocol, "change stream", "the stream does not begin with a session record");
    switch (kind) {
    case wire::RecordKind::session:
        static_cast<void>(wire::read_session(record.bytes)); // refuses another protocol version
        session_seen_ = true;
        return;
    case wire::RecordKind::relation: return learn(wire::read_relation(record.bytes));
    case wire::RecordKind::begin: return begin(wire::read_begin(record.bytes, last_begin_), batch);
    case wire::RecordKind::commit: return commit(wire::read_commit(record.bytes, last_begin_), batch);
    case wire::RecordKind::insert:
    case wire::RecordKind::update:
    case wire::RecordKind::erase:
    case wire::RecordKind::unidentified: return row(record, batch);
    case wire::RecordKind::truncate: return truncate(record, batch);
    case wire::RecordKind::message: return message(record, batch);
    case wire::RecordKind::begin_prepare:
    case wire::RecordKind::prepare:
    case wire::RecordKind::commit_prepared:
    case wire::RecordKind::rollback_prepared:
    case wire::RecordKind::stream_start:
    case wire::RecordKind::stream_stop:
    case wire::RecordKind::stream_abort:
    case wire::RecordKind::stream_commit:
    case wire::RecordKind::stream_prepare: break;
    }
    throw Error(ErrorKind::protocol, "change stream",
                fmt::format("record kind {} was not asked for", wire::name_of(kind)));
}

void StreamDecoder::learn(const wire::Relation &source) {
    shapes_.learn(source);
    Relation relation;
    relation.number = source.number;
    relation.oid = source.oid;
    relation.name = {std::string(source.schema), std::string(source.name)};
    relation.kind = source.kind;
    relation.identity = static_cast<ReplicaIdentity>(source.identity);
    for (const auto &column : source.columns) {
        if ((column.flags & wire::column_flag::key) != 0)
            relation.key_columns.push_back(static_cast<std::uint32_t>(relation.columns.size()));
        relation.columns.push_back(column_of(column));
    }
    if (relations_->size() <= relation.number) relations_->resize(relation.number + 1);
    (*relations_)[relation.number] = std::move(relation);
}

void StreamDecoder::begin(const wire::Begin &begin, ChangeBatch &batch) {
    if (in_transaction_)
        throw Error(ErrorKind::protocol, "change stream", "a transaction begins before the last one ended");
    begin_ = {begin.xid, Lsn{begin.commit_lsn}, begin.commit_time, std::string(begin.origin)};
    in_transaction_ = true;
    offset_ = 0;
    tally_ = {};
    open_piece(batch, true);
}

void StreamDecoder::commit(const wire::Commit &commit, ChangeBatch &batch) {
    if (!in_transaction_) throw Error(ErrorKind::protocol, "change stream", "a commit without a begin");
    if (commit.counter != counter_ + 1)
        throw gap(
            fmt::format("transaction {} at {} carries number {} where {} was due: transactions were lost or repeated",
                        begin_.xid, to_string(Lsn{commit.commit_lsn}), commit.counter, counter_ + 1));
    if (commit.changes != tally_.changes || commit.checksum != tally_.checksum)
        throw gap(fmt::format("transaction {} at {} says {} changes with checksum {:08x}, received were {} with {:08x}",
                              begin_.xid, to_string(Lsn{commit.commit_lsn}), commit.changes, commit.checksum,
                              tally_.changes, tally_.checksum));
    if (batch.pieces.empty() || batch.pieces.back().commit) open_piece(batch, offset_ == 0);
    auto &piece = batch.pieces.back();
    piece.last = batch.changes.size();
    piece.commit = TransactionCommit{Lsn{commit.commit_lsn}, Lsn{commit.end_lsn}, commit.commit_time, commit.counter};
    counter_ = commit.counter;
    in_transaction_ = false;
    offset_ = 0;
}

void StreamDecoder::add(const Change &change, const wire::Record &record, ChangeBatch &batch) {
    if (!in_transaction_) throw Error(ErrorKind::protocol, "change stream", "a change outside a transaction");
    if (batch.pieces.empty() || batch.pieces.back().commit) open_piece(batch, offset_ == 0);
    tally_.add(record.bytes);
    if (batch.changes.empty()) batch.hold(relations_);
    batch.hold(record.owner);
    batch.changes.push_back(change);
}

Tuple StreamDecoder::tuple(std::span<const wire::ColumnValue> values, ChangeBatch &batch) const {
    const auto copied = batch.allocate_values(values.size());
    for (std::size_t index = 0; index < values.size(); ++index)
        copied[index] = {kind_of(values[index].kind), values[index].bytes};
    return copied;
}

Tuple StreamDecoder::key_tuple(const Relation &relation, std::span<const wire::ColumnValue> values,
                               ChangeBatch &batch) const {
    const auto whole = batch.allocate_values(relation.columns.size());
    for (std::size_t position = 0; position < values.size(); ++position)
        whole[relation.key_columns[position]] = {kind_of(values[position].kind), values[position].bytes};
    return whole;
}

void StreamDecoder::row(const wire::Record &record, ChangeBatch &batch) {
    const auto source = wire::read_row(record.bytes, wire::Block::plain, shapes_, values_, batch.memory());
    const Relation &relation = (*relations_)[source.relation];
    if (source.kind == wire::RecordKind::unidentified) {
        UnidentifiedChange change;
        change.relation = &relation;
        change.operation = source.operation == 'U' ? RowOperation::update : RowOperation::remove;
        if (!source.new_values.empty()) change.new_row = tuple(source.new_values, batch);
        return add(change, record, batch);
    }
    RowChange change;
    change.relation = &relation;
    switch (source.old_kind) {
    case wire::OldTuple::none: change.old_kind = OldTuple::none; break;
    case wire::OldTuple::key:
        change.old_kind = OldTuple::key;
        change.old_row = key_tuple(relation, source.old_values, batch);
        break;
    case wire::OldTuple::full:
        change.old_kind = OldTuple::full;
        change.old_row = tuple(source.old_values, batch);
        break;
    }
    if (source.kind != wire::RecordKind::erase) change.new_row = tuple(source.new_values, batch);
    change.operation = source.kind == wire::RecordKind::insert   ? RowOperation::insert
                       : source.kind == wire::RecordKind::update ? RowOperation::update
                                                                 : RowOperation::remove;
    add(change, record, batch);
}

void StreamDecoder::truncate(const wire::Record &record, ChangeBatch &batch) {
    const auto source = wire::read_truncate(record.bytes, wire::Block::plain);
    const auto relations = batch.allocate_relations(source.relations.size());
    for (std::size_t index = 0; index < relations.size(); ++index) {
        static_cast<void>(shapes_.at(source.relations[index])); // throws for a number nobody introduced
        relations[index] = &(*relations_)[source.relations[index]];
    }
    add(TruncateChange{relations, source.cascade, source.restart_identity}, record, batch);
}

void StreamDecoder::message(const wire::Record &record, ChangeBatch &batch) {
    const auto source = wire::read_message(record.bytes, wire::Block::plain);
    if (source.transactional) {
        MessageChange change{true, Lsn{source.lsn}, source.prefix, source.content};
        return add(change, record, batch);
    }
    // Outside a transaction: everything that committed before this message has been sent.
    idle(Lsn{source.lsn}, batch);
    if (source.prefix == heartbeat_prefix) {
        SourceTime sent = 0;
        std::from_chars(source.content.data(), source.content.data() + source.content.size(), sent);
        batch.heartbeat_sent = sent;
    }
    if (source.prefix == heartbeat_prefix || source.prefix == wait_prefix) batch.urgent_position = true;
}

} // namespace walbridge
