// callbacks.hpp: the callbacks the server calls for a session and for transactions that are sent whole, and what the
// stream callbacks share with them.
#pragma once

#include "server/session.hpp"

namespace walbridge {

// The callback table's entries; signatures are the server's.
void startup_callback(LogicalDecodingContext *context, OutputPluginOptions *output, bool is_init);
void shutdown_callback(LogicalDecodingContext *context);
bool filter_by_origin_callback(LogicalDecodingContext *context, RepOriginId origin);
void begin_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn);
void change_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, Relation relation,
                     ReorderBufferChange *change);
void truncate_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, int count, Relation relations[],
                       ReorderBufferChange *change);
void message_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr lsn, bool transactional,
                      const char *prefix, Size size, const char *content);
void commit_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr commit_lsn);

/// Where a change goes: into a transaction that is sent whole (subxid 0) or into the open stream block.
struct Destination {
    Transaction &transaction;
    wire::Xid subxid = 0;
    /// Sends what has to stand before the first change: begin, begin_prepare or stream_start.
    void (*ensure_begun)(Session &session, ReorderBufferTXN *txn, Transaction &transaction);
};

void send_row(Session &session, ReorderBufferTXN *txn, const Destination &to, Relation relation,
              ReorderBufferChange *change);
void send_truncate(Session &session, ReorderBufferTXN *txn, const Destination &to, int count, Relation relations[],
                   ReorderBufferChange *change);
void send_message(Session &session, ReorderBufferTXN *txn, const Destination &to, XLogRecPtr lsn, const char *prefix,
                  Size size, const char *content);

/// Sends begin, or begin_prepare for a transaction that is sent at PREPARE, if it has not been.
void ensure_begun(Session &session, ReorderBufferTXN *txn, Transaction &transaction);

} // namespace walbridge
