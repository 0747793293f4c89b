// alignment_gate.hpp: lets the applier stand still exactly where a snapshot of the source stands, for the moment in
// which somebody takes a snapshot of the target.
//
// Commits become visible on the source in another order than they stand in its WAL, so a snapshot has no LSN. It is
// known by what it shows instead: every transaction of the stream that the snapshot shows is applied, none that it does
// not show. That is possible when, in the stream's order, no shown transaction follows one that is not shown, and
// nothing was applied already that it does not show; otherwise the caller takes another snapshot (the transactions in
// question become visible within a moment).
//
// Two threads: one asks (hold, advance, wait_for, release), the applier's thread answers (the rest). A gate that nobody
// asked for costs a number per transaction.
#pragma once

#include "base/lsn.hpp"
#include "change/batch.hpp"
#include "pipeline/assembler.hpp"
#include "pipeline/changed_keys.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace walbridge::pipeline {

/// What pg_current_snapshot() of the source says, with a position read after it was taken.
struct SourceSnapshot {
    std::uint64_t first_unassigned = 0, oldest_running = 0; ///< xmax, xmin
    std::vector<std::uint64_t> running;                     ///< sorted
    Lsn taken_before;

    /// Whether a committed transaction is visible.
    [[nodiscard]] bool shows(std::uint64_t full_xid) const;
};

/// "xmin:xmax:a,b,c"; nullopt when it is none.
[[nodiscard]] std::optional<SourceSnapshot> parse_snapshot(std::string_view text, Lsn taken_before);

class AlignmentGate {
  public:
    enum class State {
        open,
        asked,    ///< hold() was called
        held,     ///< nothing is in hand, nothing is applied
        moving,   ///< applies what the snapshot shows
        aligned,  ///< the target holds exactly what the snapshot shows
        mismatch, ///< not possible with this snapshot; another one may do
    };

    /// Which rows were changed between alignments.
    ChangedKeys changed;

    // Whoever asks.
    void hold();
    void advance(SourceSnapshot snapshot);
    void release();
    /// Waits until the state is another than `state`; the state then.
    State wait_while(State state, std::chrono::milliseconds patience);
    /// Where the target stands; valid while aligned.
    [[nodiscard]] Lsn position() const;

    // The applier's thread.
    [[nodiscard]] bool open() const { return state_.load(std::memory_order_relaxed) == State::open; }
    [[nodiscard]] State state() const { return state_.load(); }
    void set(State state);
    /// Notes what is about to be applied: its transactions must be visible in every later snapshot.
    void applied(const ChangeBatch &batch, const TransactionPiece &piece);

    struct Work {
        std::function<void(const ChangeBatch &, std::size_t first, std::size_t last)> apply; ///< pieces, alone
        std::function<void(const ChangeBatch &)> finish; ///< a batch whose pieces are all applied
        std::function<bool()> in_transaction;
        std::function<Lsn()> position;
        std::function<bool()> stopping;
        std::size_t memory = 0; ///< of batches that may wait here
    };
    /// One step while the gate is not open, or batches wait in it: takes batches from `queue` and applies what may be.
    void step(BatchQueue &queue, const Work &work);
    /// Batches that arrived while the gate was closed wait to be applied: step() goes on with them.
    [[nodiscard]] bool empty() const { return ahead_.empty(); }
    /// The stage ends: what waited here will be received again.
    void clear();

  private:
    struct Waiting {
        std::shared_ptr<const ChangeBatch> batch;
        std::size_t next = 0; ///< its first piece that was not applied
    };
    bool pull(BatchQueue &queue, std::chrono::milliseconds patience);
    void finish_transaction(BatchQueue &queue, const Work &work);
    void move(BatchQueue &queue, const Work &work);
    void drain(const Work &work);
    void apply_front(const Work &work);
    [[nodiscard]] bool was_applied_early(const SourceSnapshot &snapshot) const;

    static constexpr std::size_t remembered = std::size_t{1} << 16;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<State> state_{State::open};
    SourceSnapshot snapshot_; ///< under the mutex
    Lsn position_;            ///< under the mutex

    std::deque<Waiting> ahead_;
    std::size_t waiting_bytes_ = 0;
    std::vector<std::uint64_t> recent_; ///< ring: transactions applied last
    std::size_t recent_next_ = 0;
};

} // namespace walbridge::pipeline
