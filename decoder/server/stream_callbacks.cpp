// stream_callbacks.cpp: streamed and prepared transactions.
//
// The server opens and closes one block at a time; blocks of several transactions and whole transactions take turns.
// stream_start is held back until the block has a change, so blocks that touch nothing selected leave no trace. A
// subtransaction that is rolled back is named by stream_abort, one record for each; its tally is dropped, so that
// stream_commit vouches for what survived.
//
// A prepared transaction is always sent, also when it is empty: COMMIT PREPARED may come in a later session, which
// could not tell an empty one from one it has sent.
#include "server/stream_callbacks.hpp"

#include "server/callbacks.hpp"

namespace walbridge {

#if PG_VERSION_NUM >= 140000

namespace {

// ---- blocks

void ensure_block(Session &session, ReorderBufferTXN *txn, Transaction &transaction) {
    if (session.block_announced) return;
    session.open();
    wire::StreamStart record;
    record.xid = transaction.xid;
    record.first_block = !transaction.begun;
    record.origin = session.origins.name(txn->origin_id);
    session.output->write(record);
    session.block_announced = true;
    transaction.begun = true;
}

Destination in_block(Session &session, wire::Xid subxid) {
    if (session.block == nullptr) throw std::logic_error("a streamed change outside of a stream block");
    return {*session.block, subxid, ensure_block};
}

void stream_start_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn) {
    in_session("stream_start", context, [&](Session &session) {
        session.block = &session.transaction(txn);
        session.block->skipped = session.origins.skips(txn->origin_id);
        session.block_announced = false;
        session.block_tally = {};
    });
}

void stream_stop_callback(LogicalDecodingContext *context, ReorderBufferTXN *) {
    in_session("stream_stop", context, [&](Session &session) {
        if (session.block_announced) {
            wire::StreamStop record;
            record.changes = session.block_tally.changes;
            record.checksum = session.block_tally.checksum;
            session.output->write(record);
            session.output->flush();
        }
        session.block = nullptr;
        session.block_announced = false;
    });
}

void stream_change_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, Relation relation,
                            ReorderBufferChange *change) {
    in_session("stream_change", context, [&](Session &session) {
        send_row(session, txn, in_block(session, compat::subtransaction_of(change)), relation, change);
    });
}

void stream_truncate_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, int count, Relation relations[],
                              ReorderBufferChange *change) {
    in_session("stream_truncate", context, [&](Session &session) {
        send_truncate(session, txn, in_block(session, compat::subtransaction_of(change)), count, relations, change);
    });
}

void stream_message_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr lsn, bool transactional,
                             const char *prefix, Size size, const char *content) {
    if (!transactional) {
        message_callback(context, txn, lsn, false, prefix, size, content);
        return;
    }
    const wire::Xid subxid = compat::subtransaction_of_message(txn); // not known any more once ConcurrentAbort stands
    in_session("stream_message", context, [&](Session &session) {
        send_message(session, txn, in_block(session, subxid), lsn, prefix, size, content);
    });
}

void stream_abort_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr abort_lsn) {
    in_session("stream_abort", context, [&](Session &session) {
        ReorderBufferTXN *top = txn->toptxn != nullptr ? txn->toptxn : txn;
        Transaction &transaction = session.transaction(top);
        const bool whole = top == txn;
        if (transaction.begun && (whole || transaction.ledger.knows(txn->xid))) {
            wire::StreamAbort record;
            record.xid = top->xid;
            record.subxid = txn->xid;
            record.abort_lsn = abort_lsn;
            session.output->write(record);
            session.output->flush();
        }
        if (whole)
            session.forget(top);
        else
            transaction.ledger.abort(txn->xid);
    });
}

void stream_commit_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr commit_lsn) {
    in_session("stream_commit", context, [&](Session &session) {
        const Transaction &transaction = session.transaction(txn);
        const bool sent = transaction.begun;
        if (sent) {
            const wire::Tally total = transaction.ledger.total();
            wire::StreamCommit record;
            record.xid = txn->xid;
            record.commit_lsn = commit_lsn;
            record.end_lsn = txn->end_lsn;
            record.commit_time = compat::commit_time(txn);
            record.counter = session.counter + 1;
            record.origin_lsn = txn->origin_lsn;
            record.changes = total.changes;
            record.checksum = total.checksum;
            session.output->write(record);
            ++session.counter;
            session.output->flush();
        }
        session.forget(txn);
        call([&] { compat::update_progress(context, !sent); });
    });
}

void stream_prepare_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr prepare_lsn) {
    in_session("stream_prepare", context, [&](Session &session) {
        const Transaction &transaction = session.transaction(txn);
        if (!transaction.skipped) {
            session.open();
            const wire::Tally total = transaction.ledger.total();
            wire::StreamPrepare record;
            record.xid = txn->xid;
            record.gid = session.encoder.encode(txn->gid);
            record.prepare_lsn = prepare_lsn;
            record.end_lsn = txn->end_lsn;
            record.prepare_time = compat::prepare_time(txn);
            record.origin_lsn = txn->origin_lsn;
            record.changes = total.changes;
            record.checksum = total.checksum;
            session.output->write(record);
            session.output->flush();
        }
        session.forget(txn);
        call([&] { compat::update_progress(context, false); });
    });
}

// ---- two-phase commit of transactions that are sent whole

void ensure_prepare_begun(Session &session, ReorderBufferTXN *txn, Transaction &transaction) {
    if (transaction.begun) return;
    session.open();
    wire::BeginPrepare record;
    record.xid = txn->xid;
    record.gid = session.encoder.encode(txn->gid);
    record.prepare_lsn = txn->final_lsn;
    record.end_lsn = txn->end_lsn;
    record.prepare_time = compat::prepare_time(txn);
    record.origin = session.origins.name(txn->origin_id);
    record.origin_lsn = txn->origin_lsn;
    session.output->write(record);
    transaction.begun = true;
}

void begin_prepare_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn) {
    in_session("begin_prepare", context, [&](Session &session) {
        Transaction &transaction = session.start(txn);
        transaction.skipped = session.origins.skips(txn->origin_id);
        // Sent at once, also when no change follows: the change callback does not know that it works for a prepared
        // transaction.
        if (!transaction.skipped) ensure_prepare_begun(session, txn, transaction);
    });
}

void prepare_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr prepare_lsn) {
    in_session("prepare", context, [&](Session &session) {
        Transaction &transaction = session.transaction(txn);
        if (!transaction.skipped) {
            // After a concurrent rollback the server prepares what it has sent so far; the rollback follows.
            ensure_prepare_begun(session, txn, transaction);
            wire::Prepare record;
            record.xid = txn->xid;
            record.gid = session.encoder.encode(txn->gid);
            record.prepare_lsn = prepare_lsn;
            record.end_lsn = txn->end_lsn;
            record.prepare_time = compat::prepare_time(txn);
            record.changes = transaction.tally.changes;
            record.checksum = transaction.tally.checksum;
            session.output->write(record);
            session.output->flush();
        }
        session.forget(txn);
        call([&] { compat::update_progress(context, false); });
    });
}

void commit_prepared_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr commit_lsn) {
    in_session("commit_prepared", context, [&](Session &session) {
        const bool skipped = session.origins.skips(txn->origin_id);
        if (!skipped) {
            session.open();
            wire::CommitPrepared record;
            record.xid = txn->xid;
            record.gid = session.encoder.encode(txn->gid);
            record.commit_lsn = commit_lsn;
            record.end_lsn = txn->end_lsn;
            record.commit_time = compat::commit_time(txn);
            record.counter = session.counter + 1;
            record.origin = session.origins.name(txn->origin_id);
            record.origin_lsn = txn->origin_lsn;
            session.output->write(record);
            ++session.counter;
            session.output->flush();
        }
        session.forget(txn);
        call([&] { compat::update_progress(context, skipped); });
    });
}

void rollback_prepared_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr prepare_end_lsn,
                                TimestampTz prepare_time) {
    in_session("rollback_prepared", context, [&](Session &session) {
        const bool skipped = session.origins.skips(txn->origin_id);
        if (!skipped) {
            session.open();
            wire::RollbackPrepared record;
            record.xid = txn->xid;
            record.gid = session.encoder.encode(txn->gid);
            record.prepare_end_lsn = prepare_end_lsn;
            record.rollback_end_lsn = txn->end_lsn;
            record.prepare_time = prepare_time;
            record.rollback_time = compat::commit_time(txn);
            session.output->write(record);
            session.output->flush();
        }
        session.forget(txn);
        call([&] { compat::update_progress(context, skipped); });
    });
}

} // namespace

void add_stream_callbacks(OutputPluginCallbacks *callbacks) {
    callbacks->begin_prepare_cb = begin_prepare_callback;
    callbacks->prepare_cb = prepare_callback;
    callbacks->commit_prepared_cb = commit_prepared_callback;
    callbacks->rollback_prepared_cb = rollback_prepared_callback;
    callbacks->stream_start_cb = stream_start_callback;
    callbacks->stream_stop_cb = stream_stop_callback;
    callbacks->stream_abort_cb = stream_abort_callback;
    callbacks->stream_prepare_cb = stream_prepare_callback;
    callbacks->stream_commit_cb = stream_commit_callback;
    callbacks->stream_change_cb = stream_change_callback;
    callbacks->stream_message_cb = stream_message_callback;
    callbacks->stream_truncate_cb = stream_truncate_callback;
}

#else

void add_stream_callbacks(OutputPluginCallbacks *) {}

#endif

} // namespace walbridge
