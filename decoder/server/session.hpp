// session.hpp: the state of one decoding session (a START_REPLICATION or one call of an SQL function), from startup to
// shutdown. It belongs to the decoding context and hangs on its output_plugin_private; everything happens in the one
// server process.
#pragma once

#include "server/compat.hpp"
#include "server/concurrent_abort.hpp"
#include "server/filter.hpp"
#include "server/guard.hpp"
#include "server/options.hpp"
#include "server/output.hpp"
#include "server/relation_cache.hpp"
#include "server/server_sink.hpp"
#include "server/text_settings.hpp"
#include "server/tuple_reader.hpp"
#include "wire/checksum.hpp"

#include <exception>
#include <memory>
#include <string>
#include <unordered_map>

namespace walbridge {

/// What has been sent of a transaction so far.
struct Transaction {
    wire::Xid xid = 0;
    bool skipped = false;      ///< by its origin
    bool begun = false;        ///< its begin record, or its first stream_start, has been sent
    wire::Tally tally;         ///< of a transaction that is sent whole
    wire::StreamLedger ledger; ///< of one that is sent in blocks
};

class Session {
  public:
    /// replicates: for a replication connection, which takes UTF-8; SQL functions convert lines from the server's
    /// encoding themselves.
    Session(LogicalDecodingContext *context, Options parsed, bool replicates);
    /// The session behind a callback.
    static Session &of(LogicalDecodingContext *context) {
        return *static_cast<Session *>(context->output_plugin_private);
    }

    LogicalDecodingContext *const context;
    const Options options;
    const TextEncoder encoder;
    ServerSink sink;
    std::unique_ptr<Output> output;
    RelationCache relations;
    OriginFilter origins;
    TupleReader new_tuples;
    TupleReader old_tuples;
    TextSettings settings;
    MemoryContext change_context = nullptr; ///< emptied after every callback
    std::uint64_t counter;

    // The stream block that is open, if any.
    Transaction *block = nullptr;
    bool block_announced = false; ///< its stream_start has been sent
    wire::Tally block_tally;

    /// A fresh state for a transaction that begins to be sent. What is left of the same xid, from a transaction that
    /// the server dropped without a word, is forgotten.
    Transaction &start(const ReorderBufferTXN *txn);
    /// The state of a transaction, made on first sight. Valid until forget() of the same transaction.
    Transaction &transaction(const ReorderBufferTXN *txn);
    void forget(const ReorderBufferTXN *txn);

    /// Before the first record of a unit: the session record, once per connection.
    void open();
    /// Counts a change that was skipped or only buffered; the server hears from us often enough not to time out.
    void count_progress();

  private:
    std::unordered_map<wire::Xid, std::unique_ptr<Transaction>> transactions_;
    Transaction *last_ = nullptr; ///< the one asked for last: changes come in runs
    std::string database_;        ///< its name, UTF-8
    bool opened_ = false;
    int changes_since_progress_ = 0;
};

/// Runs the body of a callback: in the per-change memory context, behind the door, with the record being written cut
/// off when it fails.
template <class Body> void in_session(const char *callback, LogicalDecodingContext *context, Body &&body) {
    enter(callback, [&] {
        Session &session = Session::of(context);
        MemoryContextScope scope(session.change_context);
        const ConcurrentAbort watch;
        try {
            body(session);
        } catch (...) {
            // The error's data lives in change_context: it is emptied by a later callback.
            session.output->cut_back();
            watch.raise();
            throw;
        }
        call([&] { MemoryContextReset(session.change_context); });
    });
}

} // namespace walbridge
