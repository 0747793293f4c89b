// parallel_apply.hpp: runs of transactions that cannot meet, applied side by side and committed in the source's order.
//
// The coordinator (the applier's thread) cuts a batch into runs at transaction boundaries, plans them, and gives a run
// to a worker when its keys are disjoint from those of every run under way. A worker applies its run by the bulk path
// in a target transaction of its own session, waits until all earlier runs are committed, and commits with its
// position. So a reader of the target sees only states that the source has had.
//
// No mismatch, error or lock timeout of a worker is judged while earlier runs are under way: the worker rolls back.
// Once everything before it is committed, the later runs have rolled back as well, and the coordinator applies all of
// them one after the other with its own session, where the exact path decides. A run that waits for its turn and holds
// a lock that an earlier one needs makes that one time out, which leads to the same place.
#pragma once

#include "apply/batch_applier.hpp"
#include "apply/key_set.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace walbridge::pipeline {

class ParallelApply {
  public:
    using OpenSession = std::function<std::shared_ptr<target::TargetSession>(int worker)>;

    /// Runs shorter than this many changes cost more in commits than a second session brings.
    static constexpr std::size_t usual_run = 500;

    /// Starts config.apply.workers threads, each with a session that `open_session` makes. `serial` applies what has to
    /// be alone; it belongs to the coordinator's thread.
    ParallelApply(const TaskConfig &config, apply::BatchApplier &serial, const OpenSession &open_session,
                  std::size_t shortest_run = usual_run);
    ParallelApply(const ParallelApply &) = delete;
    ParallelApply &operator=(const ParallelApply &) = delete;
    /// Rolls back what was not committed.
    ~ParallelApply();

    /// Applies a batch or gives its runs to the workers; returns when the next batch may come. Throws what stops the
    /// stage, also for an earlier batch.
    void take(const std::shared_ptr<const ChangeBatch> &batch);

    /// Waits until everything is committed.
    void drain();
    /// Takes note of what was committed meanwhile, and of what went wrong.
    void tend();
    [[nodiscard]] bool idle();

    /// What workers have committed.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }
    [[nodiscard]] std::uint64_t runs() const { return runs_; }

  private:
    enum class State { waiting, applying, applied, failed, rolled_back, committed };
    struct Run {
        std::shared_ptr<const ChangeBatch> batch;
        std::size_t first = 0, last = 0; ///< pieces
        std::vector<apply::PlannedChange> planned;
        apply::KeySet keys;
        State state = State::waiting;
    };
    using Runs = std::deque<std::unique_ptr<Run>>;

    bool suits(const ChangeBatch &batch) const;
    std::unique_ptr<Run> next_run(const std::shared_ptr<const ChangeBatch> &batch, std::size_t first) const;
    bool plan(Run &run);
    void submit(std::unique_ptr<Run> run);
    void work(target::TargetSession &session);
    Run *claim(std::unique_lock<std::mutex> &lock);
    bool attempt(target::TargetSession &session, Run &run);
    void await_turn_and_commit(target::TargetSession &session, Run &run, std::unique_lock<std::mutex> &lock);
    [[nodiscard]] bool turn_of(const Run &run) const;
    [[nodiscard]] bool must_yield(const Run &run) const;
    [[nodiscard]] bool ready_to_recover() const;
    void settle(std::unique_lock<std::mutex> &lock, const std::function<bool()> &enough);
    void recover(std::unique_lock<std::mutex> &lock);
    void forget_committed();

    const TaskConfig &config_;
    apply::BatchApplier &serial_;
    const std::size_t workers_, shortest_run_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Runs runs_under_way_; ///< in commit order
    std::exception_ptr error_;
    bool stopping_ = false;
    std::uint64_t changes_ = 0, runs_ = 0;
    std::vector<std::shared_ptr<target::TargetSession>> sessions_;
    std::vector<std::thread> threads_;
};

} // namespace walbridge::pipeline
