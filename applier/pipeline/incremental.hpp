// incremental.hpp: the incremental stage of one task, from the slot to durable rows on the target.
//
// Four threads and two bounded queues:
//   receiver    owns the replication connection; puts frames into the frame queue, sends status on its own clock, also
//               while the queue is full;
//   assembler   turns frames into batches of whatever has arrived; at most one batch waits for the applier;
//   applier     (the caller of run()) owns the target sessions; applies a batch, commits it with its position, learns
//               what the target has made durable. Only that is confirmed to the source;
//   lock watch  lets through whoever waits on the target for a transaction that is applied while it is in progress.
// Limits per second are kept by the applier: it pays for a batch before it takes the next one. The queues are bounded,
// so what waits backs up to the source, while the receiver goes on sending status. An error of any thread closes both
// queues, and run() throws it. Nothing is retried here: the task's runner decides.
#pragma once

#include "apply/ddl_applier.hpp"
#include "base/stop_token.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"
#include "pipeline/alignment_gate.hpp"
#include "pipeline/row_completion.hpp"
#include "pipeline/statistics.hpp"
#include "target/progress.hpp"

#include <atomic>
#include <functional>

namespace walbridge::pipeline {

/// Called on the replication connection before streaming starts, with the stored position: throws when the source is
/// not the one the position belongs to, or its slot cannot continue from there.
using IdentityCheck = std::function<void(pg::Session &replication, Lsn stored)>;

/// Called on the applier's thread after the commit of a transaction whose DDL leaves something to be done.
using Aftermath = std::function<void(const apply::DdlAftermath &)>;

/// Thrown by Incremental::run() when the aftermath asked to leave for the initial load; everything applied is
/// committed.
struct CopyRequested {};

/// Thrown by Incremental::run() when the stream has to begin anew because the origins to leave out changed: the way
/// back of this task began to work (pipeline/returning.hpp). Everything applied is committed.
struct OriginsChanged {};

/// Thrown by Incremental::run() after leave(): the stream has to begin anew because the selection changes. Everything
/// applied is committed, nothing of a transaction is left in between.
struct SelectionChanged {};

class Incremental {
  public:
    /// `start` is what target::take_over returned; all references must outlive the object.
    Incremental(const TaskConfig &config, target::Progress start, const StopToken &stop, Statistics &statistics,
                AlignmentGate &gate, IdentityCheck check_identity, Throttle &throttle, Aftermath aftermath = {});

    /// While paused nothing is applied; the connection and the slot are kept, keepalives go on. Thread-safe.
    void set_paused(bool paused) { paused_.store(paused); }

    /// Asks run() to throw SelectionChanged as soon as no transaction is half applied and nobody holds the gate, also
    /// while paused. Thread-safe; may be repeated.
    void leave() { leaving_.store(true); }

    /// Transactions come as a whole after their commit, whatever apply.streaming says. Before run().
    void receive_whole_transactions() { whole_transactions_ = true; }

    /// Runs until a stop is requested (returns, everything applied is committed) or an error (throws Error or
    /// SqlError; WholeTransactionsWanted, after which a new object has to receive them so).
    void run();

  private:
    const TaskConfig &config_;
    target::Progress progress_;
    const StopToken &stop_;
    Statistics &statistics_;
    AlignmentGate &gate_;
    IdentityCheck check_identity_;
    Throttle &throttle_;
    Aftermath aftermath_;
    bool whole_transactions_ = false;
    std::atomic<bool> paused_{false}, leaving_{false};
};

} // namespace walbridge::pipeline
