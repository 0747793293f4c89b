// streamed_transactions.cpp: who applies a block, and what becomes of it.
#include "apply/streamed_transactions.hpp"

#include "apply/commit_position.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "wire/checksum.hpp"
#include "wire/ddl_message.hpp"

#include <fmt/format.h>

namespace walbridge::apply {

StreamedTransactions::StreamedTransactions(const TaskConfig &config, OpenSession open_session)
    : config_(config), open_session_(std::move(open_session)), budget_{config.apply.spool_memory, 0} {}

StreamedTransactions::Transaction &StreamedTransactions::find(const TransactionPiece &piece) {
    return transactions_.try_emplace(piece.begin.xid, config_, budget_).first->second;
}

/// A session that no transaction uses, opened when there is room for one more; nullptr when there is none.
target::TargetSession *StreamedTransactions::take_session() {
    if (free_.empty() && open_session_ && !sessions_exhausted_ &&
        sessions_.size() < static_cast<std::size_t>(config_.apply.stream_sessions)) {
        try {
            sessions_.push_back(open_session_(static_cast<int>(sessions_.size())));
            free_.push_back(sessions_.back().get());
        } catch (const Error &error) {
            sessions_exhausted_ = true;
            log::warning("streamed transactions wait for their commit: no further session on the target",
                         {{"reason", error.reason()}, {"sessions", sessions_.size()}});
        }
    }
    if (free_.empty()) return nullptr;
    auto *session = free_.back();
    free_.pop_back();
    return session;
}

bool StreamedTransactions::optimistic(const TransactionPiece &piece) {
    const std::lock_guard lock(mutex_);
    auto &transaction = find(piece);
    if (!transaction.decided) {
        transaction.decided = true;
        transaction.session = config_.apply.bulk ? take_session() : nullptr;
    }
    return transaction.session != nullptr;
}

void StreamedTransactions::block(const ChangeBatch &batch, const TransactionPiece &piece,
                                 const std::optional<std::vector<PlannedChange>> &planned) {
    const std::lock_guard lock(mutex_);
    auto &transaction = find(piece);
    for (auto index = piece.first; index < piece.last; ++index) {
        const auto &change = batch.changes[index];
        if (const auto *row = std::get_if<RowChange>(&change))
            transaction.reader.learn(*row->relation);
        else if (const auto *unknown = std::get_if<UnidentifiedChange>(&change))
            transaction.reader.learn(*unknown->relation);
        else if (const auto *truncate = std::get_if<TruncateChange>(&change))
            for (const auto *relation : truncate->relations) transaction.reader.learn(*relation);
        transaction.spool.append(batch.streamed[piece.first_record + (index - piece.first)].payload);
    }
    transaction.changes += piece.last - piece.first;
    if (transaction.session == nullptr) return;
    auto &session = *transaction.session;
    if (!planned)
        return give_up(piece.begin.xid, transaction, "a change needs its commit's position or the exact path");
    if (planned->empty()) return;
    try {
        if (!session.in_transaction()) session.begin();
        if (!apply_in_bulk(session, *planned)) give_up(piece.begin.xid, transaction, session.mismatch());
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        give_up(piece.begin.xid, transaction, error.reason());
    }
}

void StreamedTransactions::give_up(std::uint32_t xid, Transaction &transaction, const std::string &reason) {
    log::info("a streamed transaction is rolled back on the target and waits for its commit",
              {{"xid", xid}, {"changes", transaction.changes}, {"reason", reason}});
    transaction.session->rollback();
    free_.push_back(transaction.session);
    transaction.session = nullptr;
}

void StreamedTransactions::aborted(const TransactionPiece &piece) {
    const std::lock_guard lock(mutex_);
    auto &transaction = find(piece);
    if (transaction.session != nullptr)
        give_up(piece.begin.xid, transaction,
                piece.subxid == piece.begin.xid ? "the source rolled it back" : "the source rolled a part of it back");
    if (piece.subxid == piece.begin.xid)
        transactions_.erase(piece.begin.xid);
    else
        transaction.aborted.insert(piece.subxid);
}

std::optional<std::uint64_t> StreamedTransactions::commit(const TransactionPiece &piece) {
    const std::lock_guard lock(mutex_);
    auto &transaction = find(piece);
    if (transaction.session == nullptr) return std::nullopt;
    auto &session = *transaction.session;
    if (!session.in_transaction()) session.begin();
    session.commit(commit_position(piece));
    free_.push_back(&session);
    log::debug("committed a streamed transaction that was applied while it was in progress",
               {{"xid", piece.begin.xid}, {"changes", transaction.changes}});
    const auto changes = transaction.changes;
    transactions_.erase(piece.begin.xid);
    return changes;
}

void StreamedTransactions::replay(const TransactionPiece &piece, const Throttle *throttle,
                                  const std::function<void(const ChangeBatch &)> &apply) {
    // Without the lock: nobody else touches a transaction that has no session.
    auto &transaction = find(piece);
    wire::StreamLedger ledger;
    TransactionPiece part;
    part.begin = piece.begin;
    auto batch = std::make_unique<ChangeBatch>();
    const auto hand_over = [&] {
        part.last = batch->changes.size();
        batch->pieces = {part};
        apply(*batch);
        part.starts = false;
        part.offset += part.last;
        batch = std::make_unique<ChangeBatch>();
    };
    const auto full = [&] {
        if (batch->changes.size() >= config_.apply.batch_rows || batch->bytes >= config_.apply.batch_bytes) return true;
        return throttle != nullptr &&
               (batch->changes.size() >= throttle->rows_at_once() || batch->bytes >= throttle->bytes_at_once());
    };
    transaction.spool.rewind();
    while (const auto stored = transaction.spool.next()) {
        if (full()) hand_over();
        const auto payload = batch->copy(*stored);
        const auto read = transaction.reader.read(payload, wire::Block::streamed, *batch);
        if (transaction.aborted.contains(read.subxid)) continue;
        ledger.of(read.subxid).add(payload);
        batch->bytes += payload.size();
        if (const auto *message = std::get_if<MessageChange>(&read.change))
            part.ddl = part.ddl || message->prefix == ddl_prefix;
        batch->changes.push_back(read.change);
    }
    const auto left = ledger.total();
    if (left.changes != piece.survived || left.checksum != piece.checksum)
        throw Error(
            ErrorKind::stream_gap, fmt::format("spool of transaction {}", piece.begin.xid),
            fmt::format("it holds {} changes with checksum {:08x}, the commit at {} vouches for {} with {:08x}",
                        left.changes, left.checksum, to_string(piece.begin.commit_lsn), piece.survived, piece.checksum),
            "Nothing of it was committed; check the disk under apply.spool_directory, then start the task again.");
    part.commit = piece.commit;
    hand_over();
    const std::lock_guard lock(mutex_);
    transactions_.erase(piece.begin.xid);
}

void StreamedTransactions::give_way(const std::function<bool(const target::TargetSession &)> &waited_for,
                                    const char *reason) {
    const std::lock_guard lock(mutex_);
    for (auto &[xid, transaction] : transactions_)
        if (transaction.session != nullptr && transaction.session->in_transaction() && waited_for(*transaction.session))
            give_up(xid, transaction, reason);
}

bool StreamedTransactions::any_open() {
    const std::lock_guard lock(mutex_);
    return free_.size() < sessions_.size();
}

} // namespace walbridge::apply
