// stream_decoder.cpp: records to changes, and the proofs a commit record allows.
#include "wire/stream_decoder.hpp"

#include "base/error.hpp"

#include "wire/ddl_message.hpp"

#include <charconv>
#include <fmt/format.h>

namespace walbridge {
namespace {

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
    column.layout = static_cast<std::uint8_t>(source.layout);
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

StreamDecoder::StreamDecoder(std::uint64_t counter, RelationAdapter adapt, RowCompleter complete)
    : adapt_(std::move(adapt)), complete_(std::move(complete)), counter_(counter) {}

void StreamDecoder::feed(std::string_view frame, const std::shared_ptr<const void> &owner, ChangeBatch &batch) {
    try {
        batch.bytes += assembler_.feed(frame, owner);
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
    piece.ddl = ddl_;
    piece.first = piece.last = batch.changes.size();
    if (block_) {
        piece.stream = StreamStep::block;
        piece.first_record = batch.streamed.size();
    }
    batch.pieces.push_back(std::move(piece));
    piece_open_ = true;
}

/// The piece under way in this batch, opened when the last one went with the batch before.
TransactionPiece &StreamDecoder::open_piece(ChangeBatch &batch) {
    if (!piece_open_) open_piece(batch, offset_ == 0);
    return batch.pieces.back();
}

void StreamDecoder::close_piece() {
    piece_open_ = false;
    offset_ = 0;
}

/// A piece without changes of its own: what becomes of blocks that were sent before. `begin_` names their transaction.
TransactionPiece &StreamDecoder::add_end(const InProgress &transaction, StreamStep step, ChangeBatch &batch) {
    offset_ = transaction.changes;
    open_piece(batch, false);
    close_piece();
    auto &piece = batch.pieces.back();
    piece.stream = step;
    return piece;
}

std::size_t StreamDecoder::cut(ChangeBatch &batch) const {
    if (!piece_open_) return 0;
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
        near_full_xid_ = wire::read_session(record.bytes).next_full_xid; // refuses another protocol version
        session_seen_ = true;
        return;
    case wire::RecordKind::relation: return learn(wire::read_relation(record.bytes));
    case wire::RecordKind::begin: return begin(wire::read_begin(record.bytes, last_begin_), batch);
    case wire::RecordKind::commit: return commit(wire::read_commit(record.bytes, last_begin_), batch);
    case wire::RecordKind::insert:
    case wire::RecordKind::update:
    case wire::RecordKind::erase:
    case wire::RecordKind::unidentified:
    case wire::RecordKind::truncate: return add(record, batch);
    case wire::RecordKind::message: return message(record, batch);
    case wire::RecordKind::stream_start: return stream_start(wire::read_stream_start(record.bytes), batch);
    case wire::RecordKind::stream_stop: return stream_stop(wire::read_stream_stop(record.bytes), batch);
    case wire::RecordKind::stream_abort: return stream_abort(wire::read_stream_abort(record.bytes), batch);
    case wire::RecordKind::stream_commit: return stream_commit(wire::read_stream_commit(record.bytes), batch);
    case wire::RecordKind::begin_prepare:
    case wire::RecordKind::prepare:
    case wire::RecordKind::commit_prepared:
    case wire::RecordKind::rollback_prepared:
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
    relation.rewrite_of = source.rewrite_of;
    relation.name = {std::string(source.schema), std::string(source.name)};
    relation.kind = source.kind;
    relation.identity = static_cast<ReplicaIdentity>(source.identity);
    for (const auto &column : source.columns) {
        if ((column.flags & wire::column_flag::key) != 0)
            relation.key_columns.push_back(static_cast<std::uint32_t>(relation.columns.size()));
        relation.columns.push_back(column_of(column));
    }
    if (adapt_) adapt_(relation);
    if (relations_->size() <= relation.number) relations_->resize(relation.number + 1);
    const auto number = relation.number;
    (*relations_)[number] = std::move(relation);
    changes_.learn((*relations_)[number]);
}

void StreamDecoder::begin(const wire::Begin &begin, ChangeBatch &batch) {
    refuse_inside("a transaction begins");
    begin_ = {begin.xid, full_xid(begin.xid), Lsn{begin.commit_lsn}, begin.commit_time, std::string(begin.origin)};
    changes_.enter_transaction(begin_.commit_lsn, begin_.commit_time);
    in_transaction_ = true;
    ddl_ = false;
    offset_ = 0;
    tally_ = {};
    open_piece(batch, true);
}

void StreamDecoder::commit(const wire::Commit &commit, ChangeBatch &batch) {
    if (!in_transaction_) throw Error(ErrorKind::protocol, "change stream", "a commit without a begin");
    refuse_gap(commit, "transaction", begin_.xid);
    if (commit.changes != tally_.changes || commit.checksum != tally_.checksum)
        throw gap(fmt::format("transaction {} at {} says {} changes with checksum {:08x}, received were {} with {:08x}",
                              begin_.xid, to_string(Lsn{commit.commit_lsn}), commit.changes, commit.checksum,
                              tally_.changes, tally_.checksum));
    auto &piece = open_piece(batch);
    piece.last = batch.changes.size();
    take_commit(commit, piece);
    in_transaction_ = false;
    close_piece();
}

/// The numbers of commits have no gap and no repetition.
template <class Commit>
void StreamDecoder::refuse_gap(const Commit &commit, const char *what, std::uint32_t xid) const {
    if (commit.counter == counter_ + 1) return;
    throw gap(fmt::format("{} {} at {} carries number {} where {} was due: transactions were lost or repeated", what,
                          xid, to_string(Lsn{commit.commit_lsn}), commit.counter, counter_ + 1));
}

template <class Commit> void StreamDecoder::take_commit(const Commit &commit, TransactionPiece &piece) {
    piece.commit = TransactionCommit{Lsn{commit.commit_lsn}, Lsn{commit.end_lsn}, commit.commit_time, commit.counter};
    counter_ = commit.counter;
}

/// The number nearest to the last one whose lower half is `xid`.
std::uint64_t StreamDecoder::full_xid(std::uint32_t xid) {
    if (near_full_xid_ == 0) return 0;
    constexpr std::uint64_t epoch = std::uint64_t{1} << 32;
    auto full = (near_full_xid_ & ~(epoch - 1)) | xid;
    if (full > near_full_xid_ && full - near_full_xid_ > epoch / 2 && full >= epoch)
        full -= epoch;
    else if (near_full_xid_ > full && near_full_xid_ - full > epoch / 2)
        full += epoch;
    near_full_xid_ = full;
    return full;
}

void StreamDecoder::refuse_inside(const char *what) const {
    if (in_transaction_ || block_)
        throw Error(ErrorKind::protocol, "change stream",
                    fmt::format("{} before the last transaction or block ended", what));
}

StreamDecoder::InProgress &StreamDecoder::in_progress(std::uint32_t xid, const char *what) {
    refuse_inside(what);
    const auto found = in_progress_.find(xid);
    if (found == in_progress_.end())
        throw Error(ErrorKind::protocol, "change stream",
                    fmt::format("{} of transaction {}, of which no block was sent", what, xid));
    return found->second;
}

void StreamDecoder::stream_start(const wire::StreamStart &start, ChangeBatch &batch) {
    refuse_inside("a block begins");
    if (start.first_block && !in_progress_.try_emplace(start.xid).second)
        throw Error(ErrorKind::protocol, "change stream",
                    fmt::format("transaction {} begins a second time", start.xid));
    auto &transaction = in_progress(start.xid, "a further block");
    if (start.first_block) transaction.origin = start.origin;
    block_ = &transaction;
    begin_ = {start.xid, full_xid(start.xid), {}, 0, transaction.origin};
    ddl_ = transaction.ddl;
    offset_ = transaction.changes;
    tally_ = {};
    open_piece(batch, start.first_block);
}

void StreamDecoder::stream_stop(const wire::StreamStop &stop, ChangeBatch &batch) {
    if (!block_) throw Error(ErrorKind::protocol, "change stream", "the end of a block without its beginning");
    if (stop.changes != tally_.changes || stop.checksum != tally_.checksum)
        throw gap(fmt::format("a block of transaction {} says {} changes with checksum {:08x}, received were {} with "
                              "{:08x}",
                              begin_.xid, stop.changes, stop.checksum, tally_.changes, tally_.checksum));
    open_piece(batch).last = batch.changes.size();
    block_->changes += tally_.changes;
    block_->ddl = ddl_;
    block_ = nullptr;
    close_piece();
}

void StreamDecoder::stream_abort(const wire::StreamAbort &abort, ChangeBatch &batch) {
    auto &transaction = in_progress(abort.xid, "a rollback");
    begin_ = {abort.xid, full_xid(abort.xid), {}, 0, transaction.origin};
    ddl_ = false;
    auto &piece = add_end(transaction, StreamStep::aborted, batch);
    piece.subxid = abort.subxid;
    if (abort.subxid == abort.xid)
        in_progress_.erase(abort.xid);
    else
        transaction.ledger.abort(abort.subxid);
}

void StreamDecoder::stream_commit(const wire::StreamCommit &commit, ChangeBatch &batch) {
    const auto &transaction = in_progress(commit.xid, "a commit");
    refuse_gap(commit, "streamed transaction", commit.xid);
    const auto left = transaction.ledger.total();
    if (commit.changes != left.changes || commit.checksum != left.checksum)
        throw gap(fmt::format("streamed transaction {} at {} says {} changes with checksum {:08x}, left of what was "
                              "received are {} with {:08x}",
                              commit.xid, to_string(Lsn{commit.commit_lsn}), commit.changes, commit.checksum,
                              left.changes, left.checksum));
    begin_ = {commit.xid, full_xid(commit.xid), Lsn{commit.commit_lsn}, commit.commit_time, transaction.origin};
    ddl_ = false;
    auto &piece = add_end(transaction, StreamStep::committed, batch);
    piece.survived = commit.changes;
    piece.checksum = commit.checksum;
    take_commit(commit, piece);
    in_progress_.erase(commit.xid);
}

void StreamDecoder::add(const wire::Record &record, ChangeBatch &batch) {
    if (!in_transaction_ && !block_)
        throw Error(ErrorKind::protocol, "change stream", "a change outside a transaction");
    open_piece(batch);
    tally_.add(record.bytes);
    if (batch.changes.empty()) batch.hold(relations_);
    batch.hold(record.owner);
    auto read = changes_.read(record.bytes, block_ ? wire::Block::streamed : wire::Block::plain, batch);
    if (complete_)
        if (auto *row = std::get_if<RowChange>(&read.change)) complete_(*row, begin_, block_ != nullptr, batch);
    batch.changes.push_back(read.change);
    if (!block_) return;
    block_->ledger.of(read.subxid).add(record.bytes);
    batch.streamed.push_back({read.subxid, record.bytes});
}

void StreamDecoder::message(const wire::Record &record, ChangeBatch &batch) {
    const auto source = wire::read_message(record.bytes, block_ ? wire::Block::streamed : wire::Block::plain);
    if (source.transactional) {
        add(record, batch);
        if (source.prefix == ddl_prefix) batch.pieces.back().ddl = ddl_ = true;
        return;
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
