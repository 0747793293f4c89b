// stream_decoder.hpp: frames of the wire protocol to batches of the change model. One object per replication
// connection, one thread.
//
// It proves the stream on the way: transaction counters without a gap, change counts and checksums per commit (of
// streamed transactions per block and over what their rolled back subtransactions left), descriptors known. Relations
// live as long as the decoder's registry, which batches share: a batch may outlive the decoder.
#pragma once

#include "change/batch.hpp"
#include "wire/change_reader.hpp"
#include "wire/checksum.hpp"
#include "wire/reader.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace walbridge {

/// What the task makes of a relation before anything else sees it: other names, columns that walbridge fills itself.
/// Called on the decoder's thread.
using RelationAdapter = std::function<void(Relation &)>;

/// Fills what a change does not bring (pipeline/row_completion.hpp). Called on the decoder's thread for each row change
/// that has been read; `in_progress`: its transaction has not committed. What it throws ends the stream.
using RowCompleter =
    std::function<void(RowChange &, const TransactionBegin &transaction, bool in_progress, ChangeBatch &)>;

class StreamDecoder {
  public:
    /// `counter` is the stored number of the last applied transaction: the next commit must carry the one after it.
    explicit StreamDecoder(std::uint64_t counter, RelationAdapter adapt = {}, RowCompleter complete = {});

    /// Decodes one frame into `batch`. Throws Error(protocol, stream_gap).
    void feed(std::string_view frame, const std::shared_ptr<const void> &owner, ChangeBatch &batch);

    /// A keepalive said that the server has sent everything up to `position`. Counts only when no transaction is under
    /// way.
    void idle(Lsn position, ChangeBatch &batch) const;

    /// True between the begin and the commit of a transaction or the ends of a block, and while a record is incomplete.
    [[nodiscard]] bool in_transaction() const { return in_transaction_ || block_ || assembler_.in_record(); }

    /// Completes the piece under way so that `batch` can be handed over; how many changes it holds. May be called
    /// again.
    std::size_t cut(ChangeBatch &batch) const;
    /// The batch was handed over: the piece under way goes on in the next one, after `changes` more changes.
    void handed_over(std::size_t changes) {
        offset_ += changes;
        piece_open_ = false;
    }

  private:
    /// A transaction that is sent while it is in progress.
    struct InProgress {
        std::string origin;
        wire::StreamLedger ledger;
        std::size_t changes = 0; ///< in its finished blocks
        bool ddl = false;
    };
    void decode(const wire::Record &record, ChangeBatch &batch);
    void open_piece(ChangeBatch &batch, bool starts);
    TransactionPiece &open_piece(ChangeBatch &batch);
    void close_piece();
    TransactionPiece &add_end(const InProgress &transaction, StreamStep step, ChangeBatch &batch);
    template <class Commit> void refuse_gap(const Commit &commit, const char *what, std::uint32_t xid) const;
    template <class Commit> void take_commit(const Commit &commit, TransactionPiece &piece);
    std::uint64_t full_xid(std::uint32_t xid);
    void refuse_inside(const char *what) const;
    InProgress &in_progress(std::uint32_t xid, const char *what);
    void stream_start(const wire::StreamStart &start, ChangeBatch &batch);
    void stream_stop(const wire::StreamStop &stop, ChangeBatch &batch);
    void stream_abort(const wire::StreamAbort &abort, ChangeBatch &batch);
    void stream_commit(const wire::StreamCommit &commit, ChangeBatch &batch);
    void begin(const wire::Begin &begin, ChangeBatch &batch);
    void commit(const wire::Commit &commit, ChangeBatch &batch);
    void message(const wire::Record &record, ChangeBatch &batch);
    void learn(const wire::Relation &relation);
    void add(const wire::Record &record, ChangeBatch &batch);

    const RelationAdapter adapt_;
    const RowCompleter complete_;
    wire::RecordAssembler assembler_;
    wire::ShapeTable shapes_;
    ChangeReader changes_;
    wire::LastBegin last_begin_;
    /// By number. Shared with the batches, which may outlive us and read it on another thread: it only grows.
    std::shared_ptr<std::deque<Relation>> relations_ = std::make_shared<std::deque<Relation>>();
    wire::Tally tally_; ///< of the transaction or block under way
    TransactionBegin begin_;
    std::uint64_t counter_;
    std::size_t offset_ = 0;          ///< changes of the transaction under way in earlier batches
    std::uint64_t near_full_xid_ = 0; ///< the last full transaction id seen: the next ones are near it
    bool in_transaction_ = false;
    bool ddl_ = false;        ///< the transaction or block under way has brought a DDL message
    bool piece_open_ = false; ///< the last piece of the batch in hand is under way
    std::unordered_map<std::uint32_t, InProgress> in_progress_;
    InProgress *block_ = nullptr; ///< whose block is under way
    bool session_seen_ = false;
};

/// Prefix of the messages that walbridge itself writes into the source's WAL.
inline constexpr std::string_view heartbeat_prefix = "walbridge.heartbeat";
inline constexpr std::string_view wait_prefix = "walbridge.wait";

} // namespace walbridge
