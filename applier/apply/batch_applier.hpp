// batch_applier.hpp: applies batches to the target: bulk first, exact where bulk cannot prove itself, position with the
// data.
//
// Runs on the thread that owns the target session. Consecutive source transactions of a batch share a target
// transaction, in order; a transaction that spans batches keeps one target transaction open from batch to batch. What
// belongs to transactions in progress goes through StreamedTransactions.
#pragma once

#include "apply/ddl_follower.hpp"
#include "apply/exact_applier.hpp"
#include "apply/plan_cache.hpp"
#include "apply/streamed_transactions.hpp"
#include "apply/sync_filter.hpp"
#include "base/throttle.hpp"
#include "change/batch.hpp"
#include "wire/ddl_message.hpp"

#include <functional>
#include <memory>

namespace walbridge::apply {

/// What was committed on the target; reported after each commit.
struct Committed {
    Lsn position;
    SourceTime commit_time = 0; ///< of the last source transaction
    std::size_t transactions = 0;
};

/// Thrown by apply() when it was asked to leave in the middle of a transaction it can only finish as a whole.
struct Interrupted {};

struct ApplyCounters {
    std::uint64_t bulk_batches = 0, exact_batches = 0, fallbacks = 0, changes = 0, conflicts = 0;
    std::uint64_t streamed = 0; ///< transactions that were applied while they were in progress
};

class BatchApplier {
  public:
    using OnCommit = std::function<void(const Committed &)>;

    BatchApplier(const TaskConfig &config, target::TargetSession &session, SyncFilter filter, Lsn position,
                 OnCommit on_commit, StreamedTransactions::OpenSession open_stream_session = {});

    /// From now on DDL messages are followed. `aftermath` is told what a committed transaction leaves to be done.
    void follow_ddl(DdlVerifier verifier, std::function<void(const DdlAftermath &)> aftermath);

    /// The target holds the beginning of the next transaction with DDL already.
    void resume_inside(const target::BegunTransaction &begun) { begun_ = begun; }

    /// Applies a batch; on return every transaction that ended in it is committed. Throws on conflicts, missing tables,
    /// lost connections: the target transaction is then rolled back (or lost with its connection) and the object is no
    /// longer usable.
    void apply(const ChangeBatch &batch);
    /// The same for the pieces [first, last) of a batch.
    void apply(const ChangeBatch &batch, std::size_t first, std::size_t last);

    /// How the pieces [first, last) are applied, the changes that the copy holds left out; nullopt when one of them
    /// needs the exact path. The plans live as long as the applier.
    [[nodiscard]] std::optional<std::vector<PlannedChange>> plan(const ChangeBatch &batch, std::size_t first,
                                                                 std::size_t last);
    /// Another session has committed up to the end of `piece`, `transactions` of them.
    void committed_elsewhere(const TransactionPiece &piece, std::size_t transactions) {
        note_commit(piece, transactions);
    }
    /// Tables are still catching up with their copy: which changes apply depends on the order.
    [[nodiscard]] bool filters() const { return !filter_.empty(); }

    /// Stores a position at which nothing was pending; no effect while a transaction is open or when it is not ahead.
    void store_idle(Lsn position);

    [[nodiscard]] bool in_transaction() const { return session_.in_transaction(); }
    [[nodiscard]] Lsn position() const { return position_; }
    [[nodiscard]] const ApplyCounters &counters() const { return counters_; }
    [[nodiscard]] DdlCounters ddl_counters() const { return ddl_ != nullptr ? ddl_->counters() : DdlCounters{}; }
    [[nodiscard]] StreamedTransactions &streamed() { return streamed_; }
    /// Asked between the batches of a long replay: true rolls it back and makes apply() throw Interrupted.
    void interrupt_when(std::function<bool()> asked) { interrupted_ = std::move(asked); }
    /// Blocks of transactions in progress take from `throttle` what is applied of them, and a long replay waits for it.
    void pace_with(Throttle &throttle) { throttle_ = &throttle; }

  private:
    void apply_run(const ChangeBatch &batch, std::size_t first, std::size_t last);
    void apply_streamed(const ChangeBatch &batch, std::size_t at);
    void apply_block(const ChangeBatch &batch, std::size_t at);
    void replay(const TransactionPiece &piece);
    void apply_pieces(const ChangeBatch &batch, std::size_t first, std::size_t last);
    void apply_group(const ChangeBatch &batch, std::size_t first, std::size_t last);
    void apply_with_ddl(const ChangeBatch &batch, const TransactionPiece &piece);
    void apply_rows(const ChangeBatch &batch, const TransactionPiece &piece, std::size_t first, std::size_t last);
    bool plan_changes(const ChangeBatch &batch, const TransactionPiece &piece, std::size_t first, std::size_t last,
                      std::vector<PlannedChange> &planned);
    void undo() noexcept;
    /// Applied alone, change by change with an eye on DDL.
    [[nodiscard]] bool follows(const TransactionPiece &piece) const {
        return (piece.ddl && ddl_ != nullptr) || resumes(piece);
    }
    [[nodiscard]] bool resumes(const TransactionPiece &piece) const {
        return begun_ && begun_->commit_lsn == piece.begin.commit_lsn;
    }
    void apply_exactly(const ChangeBatch &batch, std::size_t first, std::size_t last);
    void apply_change(const Change &change, const ChangePlace &place);
    void truncate(const TruncateChange &change, Lsn commit_lsn);
    bool copied(const RowChange &change, Lsn commit_lsn) const;
    std::optional<std::vector<RowChange>> split_by_chunk(const RowChange &change, Lsn commit_lsn) const;
    void commit(const TransactionPiece &piece, std::size_t transactions);
    void note_commit(const TransactionPiece &piece, std::size_t transactions);

    const TaskConfig &config_;
    target::TargetSession &session_;
    SyncFilter filter_;
    PlanCache plans_;
    ExactApplier exact_;
    const bool merges_; ///< consecutive source transactions share a target transaction
    Lsn position_;
    OnCommit on_commit_;
    ApplyCounters counters_;
    StreamedTransactions streamed_;
    std::function<bool()> interrupted_;
    Throttle *throttle_ = nullptr;
    std::unique_ptr<DdlFollower> ddl_;
    std::optional<target::BegunTransaction> begun_;
    std::function<void(const DdlAftermath &)> aftermath_;
};

} // namespace walbridge::apply
