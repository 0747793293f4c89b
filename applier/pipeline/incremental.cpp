// incremental.cpp: wires receiver, assembler and applier together and brings their errors to one place.
#include "pipeline/incremental.hpp"

#include "apply/batch_applier.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "pipeline/assembler.hpp"
#include "pipeline/capture_keys.hpp"
#include "pipeline/heartbeat.hpp"
#include "pipeline/parallel_apply.hpp"
#include "pipeline/relation_names.hpp"
#include "pipeline/returning.hpp"
#include "pipeline/sync_state.hpp"
#include "source/replication_stream.hpp"
#include "target/open.hpp"
#include "target/postgres/lock_watch.hpp"

#include <algorithm>
#include <limits>
#include <thread>

namespace walbridge::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Idle positions that nobody waits for are stored at most this often: each store is a small transaction on the target.
constexpr std::chrono::seconds idle_interval{5};
constexpr milliseconds durable_poll{100};
/// More than this received and not yet decoded is a backlog: the task is catching up.
constexpr std::size_t backlog_bytes = std::size_t{256} << 10;

std::string joined(const std::vector<std::string> &patterns) {
    std::string text;
    for (const auto &pattern : patterns) text += (text.empty() ? "" : ",") + pattern;
    return text;
}

pg::ConnectOptions replication_options(const TaskConfig &config) {
    pg::ConnectOptions options{config.application_name("stream"), true, {}};
    if (config.source.decoding_memory != 0)
        options.settings.emplace_back("logical_decoding_work_mem",
                                      std::to_string(std::max<std::size_t>(config.source.decoding_memory >> 10, 64)));
    return options;
}

/// A streamed transaction does not wait long for a lock: its changes are safe in the spool.
constexpr milliseconds stream_lock_timeout{500};
/// A worker that waits longer for a lock than this may be waiting for a later one that waits for its turn.
constexpr milliseconds worker_lock_timeout{500};
constexpr milliseconds lock_watch_interval{200};

source::StreamOptions stream_options(const TaskConfig &config, const target::Progress &progress, int server_version,
                                     const std::string &left_out, bool whole_transactions) {
    source::StreamOptions options{config.slot_name(), progress.position, {}};
    options.plugin = {{"proto_version", "1"}, {"format", "binary"}, {"include", joined(config.objects.include)}};
    if (!config.objects.exclude.empty()) options.plugin.emplace_back("exclude", joined(config.objects.exclude));
    if (!left_out.empty()) options.plugin.emplace_back("origin", left_out);
    options.plugin.emplace_back("counter", std::to_string(progress.counter));
    options.plugin.emplace_back("messages", "on");
    if (target::is_mysql(config)) options.plugin.emplace_back("binary", "off"); // one conversion, from the text form
    if (!config.ddl.off()) options.plugin.emplace_back("rewrites", "on");
    if (!config.objects.rules.empty()) options.plugin.emplace_back("rules", wire::to_json(config.objects.rules));
    if (config.apply.streaming && !whole_transactions && server_version >= 140000 &&
        !RelationNames::need_commits(config))
        options.plugin.emplace_back("streaming", "on");
    if (config.source.compression != "none") options.plugin.emplace_back("compression", config.source.compression);
    return options;
}

/// Stops the stage's threads and closes the queues when the scope is left, whatever the reason, so that no thread waits
/// for another that is gone.
class Threads {
  public:
    Threads(source::StreamQueue &frames, BatchQueue &batches, Statistics &statistics)
        : frames_(frames), batches_(batches), statistics_(statistics) {}
    Threads(const Threads &) = delete;
    Threads &operator=(const Threads &) = delete;
    ~Threads() {
        statistics_.connected.store(false);
        stop.request();
        frames_.close();
        batches_.close();
        for (auto &thread : threads_) thread.join();
    }
    template <class Body> void start(Body body) { threads_.emplace_back(std::move(body)); }

    StopToken stop; ///< of these threads; the task's own stop is passed on

  private:
    source::StreamQueue &frames_;
    BatchQueue &batches_;
    Statistics &statistics_;
    std::vector<std::thread> threads_;
};

/// The applier's loop: one batch after the other, durable positions in between.
class Applier {
  public:
    Applier(const TaskConfig &config, target::Progress progress, source::StreamPositions &positions,
            Statistics &statistics, AlignmentGate &gate, Throttle &throttle, const StopToken &stop)
        : ledger_(progress), session_(target::open_apply_session(config, ledger_)), statistics_(statistics),
          gate_(gate), throttle_(throttle), positions_(positions),
          applier_(
              config, *session_, load_sync_filter(config), progress.position,
              [this](const apply::Committed &committed) { note(committed); }, stream_sessions(config)) {
        applier_.interrupt_when([&stop] { return stop.requested(); });
        applier_.pace_with(throttle);
        if (progress.begun) applier_.resume_inside(*progress.begun);
        if (config.apply.workers > 1)
            parallel_.emplace(config, applier_, [&](int worker) {
                return std::shared_ptr(
                    target::open_apply_session(config, ledger_, config.first_worker() + worker, worker_lock_timeout));
            });
        positions_.applied.store(progress.position.value);
        positions_.durable.store(progress.position.value);
        statistics_.applied_lsn.store(progress.position.value);
        statistics_.durable_lsn.store(progress.position.value);
    }

    void follow_ddl(DdlVerifier verifier, Aftermath aftermath) {
        applier_.follow_ddl(std::move(verifier), std::move(aftermath));
    }

    void take(const std::shared_ptr<const ChangeBatch> &taken) {
        const auto &batch = *taken;
        for (const auto &piece : batch.pieces) gate_.applied(batch, piece);
        if (parallel_)
            parallel_->take(taken);
        else
            applier_.apply(batch);
        taken_to_its_end(batch);
    }

    /// A step of the gate: apply stands still, moves to where a snapshot is, or goes on with what waited.
    void align(BatchQueue &queue, const StopToken &stop, std::size_t memory) {
        finish();
        gate_.step(queue, {.apply =
                               [&](const ChangeBatch &batch, std::size_t first, std::size_t last) {
                                   for (auto at = first; at < last; ++at) gate_.applied(batch, batch.pieces[at]);
                                   applier_.apply(batch, first, last);
                               },
                           .finish = [&](const ChangeBatch &batch) { taken_to_its_end(batch); },
                           .in_transaction = [&] { return applier_.in_transaction(); },
                           .position = [&] { return applier_.position(); },
                           .stopping = [&] { return stop.requested(); },
                           .memory = memory});
        publish_counters();
        if (!applier_.in_transaction()) publish_durable();
    }

    /// What a batch says beside its transactions.
    void taken_to_its_end(const ChangeBatch &batch) {
        if (throttle_.active()) charge(batch);
        statistics_.bytes += batch.bytes;
        if (batch.idle_position > idle_) idle_ = batch.idle_position;
        if (batch.urgent_position) {
            finish();
            store_idle();
            last_asked_ = {}; // not kept waiting for the next look
        }
        if (batch.heartbeat_sent != 0) {
            statistics_.heartbeat_sent.store(batch.heartbeat_sent);
            statistics_.heartbeat_lag_us.store(now_since_2000() - batch.heartbeat_sent);
        }
    }

    /// How long the limits want nothing to be applied.
    [[nodiscard]] Throttle::Clock::duration owed() {
        return throttle_.active() ? throttle_.until(throttle_.taken()) : Throttle::Clock::duration::zero();
    }

    /// Between batches: confirms what became durable, stores an idle position when its time has come.
    void tend() {
        if (parallel_) parallel_->tend();
        publish_counters();
        if (applier_.in_transaction()) return;
        if (steady_clock::now() - last_idle_ >= idle_interval) store_idle();
        publish_durable();
    }

    /// Waits until everything that was taken is committed.
    void finish() {
        if (parallel_) parallel_->drain();
    }

    /// A paused task keeps nobody waiting on the target: what is in progress is applied from the spool later.
    void pause() {
        tend();
        applier_.streamed().give_way([](const target::TargetSession &) { return true; }, "the task is paused");
    }

    /// Runs on a thread of its own: whoever waits on the target for a streamed transaction, the applier's thread among
    /// them, is let through.
    void watch_locks(const TaskConfig &config, const StopToken &stop) noexcept {
        std::optional<target::LockWatch> watch;
        while (!stop.wait_for(lock_watch_interval)) {
            if (!applier_.streamed().any_open()) continue;
            try {
                if (!watch) watch.emplace(config);
                applier_.streamed().give_way(
                    [&](const target::TargetSession &session) { return watch->waited_for(session.backend()); },
                    "somebody waits for a lock that it holds");
            } catch (const std::exception &error) {
                log::warning("cannot look for lock waits on the target", {{"reason", error.what()}});
                watch.reset();
            }
        }
    }

    /// Nothing is held whose other part is still to come.
    [[nodiscard]] bool between_transactions() const { return !applier_.in_transaction(); }
    [[nodiscard]] bool durable() const { return positions_.durable.load() >= applier_.position().value; }
    void set_caught_up(bool caught_up) { statistics_.caught_up.store(caught_up && !applier_.in_transaction()); }

  private:
    /// Nobody can tell on MySQL who waits for a lock of such a session: transactions in progress wait for their commit.
    apply::StreamedTransactions::OpenSession stream_sessions(const TaskConfig &config) {
        if (target::is_mysql(config)) return {};
        return [&config, this](int number) {
            return target::open_apply_session(config, ledger_, 1 + number, stream_lock_timeout);
        };
    }

    /// Blocks of transactions in progress are charged where it is known whether they are applied now.
    void charge(const ChangeBatch &batch) {
        std::uint64_t rows = 0, spooled = 0;
        for (const auto &piece : batch.pieces)
            if (piece.stream == StreamStep::none) rows += piece.last - piece.first;
        for (const auto &record : batch.streamed) spooled += record.payload.size();
        throttle_.take({0, rows, batch.bytes > spooled ? batch.bytes - spooled : 0});
    }

    void store_idle() {
        if (parallel_ && !parallel_->idle()) return;
        last_idle_ = steady_clock::now();
        applier_.store_idle(idle_);
    }

    void note(const apply::Committed &committed) {
        positions_.applied.store(committed.position.value);
        statistics_.applied_lsn.store(committed.position.value);
        if (committed.commit_time == 0) return;
        statistics_.applied_commit_time.store(committed.commit_time);
        statistics_.last_lag_us.store(now_since_2000() - committed.commit_time);
        statistics_.transactions += committed.transactions;
    }

    /// Every commit brings word of what the target has flushed by then. Asking costs a round trip of its own, which
    /// only the last commits before a pause need.
    void publish_durable() {
        if (const auto now = steady_clock::now(); now - last_asked_ >= durable_poll) {
            last_asked_ = now;
            static_cast<void>(session_->durable_position());
        }
        const auto durable = ledger_.durability().durable;
        positions_.durable.store(durable.value);
        statistics_.durable_lsn.store(durable.value);
    }

    void publish_counters() {
        const auto &counters = applier_.counters();
        statistics_.changes.store(counters.changes + (parallel_ ? parallel_->changes() : 0));
        statistics_.bulk_batches.store(counters.bulk_batches + (parallel_ ? parallel_->runs() : 0));
        statistics_.parallel_runs.store(parallel_ ? parallel_->runs() : 0);
        statistics_.exact_batches.store(counters.exact_batches);
        statistics_.fallbacks.store(counters.fallbacks);
        statistics_.conflicts.store(counters.conflicts);
        const auto ddl = applier_.ddl_counters();
        statistics_.ddl_applied.store(ddl.applied);
        statistics_.ddl_skipped.store(ddl.skipped);
        statistics_.ddl_refused.store(ddl.refused);
        statistics_.ddl_recognised.store(ddl.recognised);
    }

    target::CommitLedger ledger_;
    std::unique_ptr<target::TargetSession> session_;
    Statistics &statistics_;
    AlignmentGate &gate_;
    Throttle &throttle_;
    source::StreamPositions &positions_;
    apply::BatchApplier applier_;
    std::optional<ParallelApply> parallel_; ///< with more than one worker
    Lsn idle_;
    steady_clock::time_point last_idle_ = steady_clock::now();
    steady_clock::time_point last_asked_; ///< what the target has flushed
};

} // namespace

Incremental::Incremental(const TaskConfig &config, target::Progress start, const StopToken &stop,
                         Statistics &statistics, AlignmentGate &gate, IdentityCheck check_identity, Throttle &throttle,
                         Aftermath aftermath)
    : config_(config), progress_(start), stop_(stop), statistics_(statistics), gate_(gate),
      check_identity_(std::move(check_identity)), throttle_(throttle), aftermath_(std::move(aftermath)) {}

void Incremental::run() {
    source::StreamPositions positions;
    gate_.clear(); // of an earlier attempt: it comes again
    Applier applier(config_, progress_, positions, statistics_, gate_, throttle_, stop_);
    pg::Session replication(config_.source.endpoint, replication_options(config_));
    const auto server_version = replication.server_version();
    check_identity_(replication, progress_.position);
    if (!config_.ddl.off()) applier.follow_ddl(make_ddl_verifier(config_, replication), aftermath_);

    Returning returning(config_);
    source::StreamQueue frames(std::size_t{1} << 20, config_.apply.queue_bytes);
    BatchQueue batches(1, std::numeric_limits<std::size_t>::max());
    source::ReplicationStream stream(
        std::move(replication),
        stream_options(config_, progress_, server_version, returning.left_out(), whole_transactions_), positions);
    RelationNames names(config_);
    RowCompletion completion(config_, [&] { return stop_.requested() || batches.closed(); });
    RowCompleter complete;
    if (RowCompletion::may_be_needed(config_))
        complete = [&](RowChange &change, const TransactionBegin &begin, bool in_progress, ChangeBatch &batch) {
            completion.complete(change, begin, in_progress, batch);
        };
    Assembler assembler(
        config_, progress_.counter, frames, positions, throttle_, batches,
        [&](const ChangeBatch &batch) { returning.check(batch); }, [&](Relation &relation) { names.adapt(relation); },
        std::move(complete));
    Heartbeat heartbeat(config_);
    Threads threads(frames, batches, statistics_); // last: its end joins the threads that use what stands above
    threads.start([&] { stream.run(frames, threads.stop); });
    threads.start([&] { assembler.run(); });
    threads.start([&] { heartbeat.run(threads.stop); });
    threads.start([&] { applier.watch_locks(config_, threads.stop); });
    statistics_.connected.store(true);
    log::info(
        "streaming",
        {{"slot", config_.slot_name()}, {"position", to_string(progress_.position)}, {"counter", progress_.counter}});

    while (!stop_.requested()) {
        statistics_.received_lsn.store(positions.received.load());
        if (leaving_.load() && gate_.open() && gate_.empty() && applier.between_transactions()) {
            applier.finish();
            throw SelectionChanged{};
        }
        if (paused_.load()) {
            applier.pause();
            stop_.wait_for(durable_poll);
            continue;
        }
        if (const auto owed = applier.owed(); owed > Throttle::Clock::duration::zero()) {
            applier.set_caught_up(frames.bytes() < backlog_bytes);
            applier.tend();
            throttle_.wait(std::min<Throttle::Clock::duration>(owed, durable_poll));
            continue;
        }
        if (!gate_.open() || !gate_.empty()) {
            try {
                applier.align(batches, stop_, config_.apply.queue_bytes);
            } catch (const apply::Interrupted &) {
                break;
            }
            if (batches.closed()) gate_.release(); // there is nothing left to align
            continue;
        }
        const auto batch = batches.pop_for(durable_poll);
        if (batch) {
            try {
                applier.take(*batch);
            } catch (const apply::Interrupted &) {
                break;
            }
        } else if (batches.closed())
            static_cast<void>(batches.pop()); // throws what closed it
        applier.set_caught_up(frames.bytes() < backlog_bytes);
        if (!batch && batches.closed()) break;
        applier.tend();
    }
    applier.finish();
    // What was committed is confirmed before we leave, so that the next start does not receive it again for nothing.
    for (int patience = 0; patience < 30 && !applier.durable(); ++patience) {
        applier.tend();
        StopToken().wait_for(durable_poll);
    }
}

} // namespace walbridge::pipeline
