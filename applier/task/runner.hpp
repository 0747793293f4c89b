// runner.hpp: the life of `walbridge run`: take the task over, go on where the stored state says, retry what time may
// cure.
//
// Threads: the caller of run() does the work (and starts the copy's and the pipeline's threads through them); the
// reporter tells the status and takes control requests. A process may be killed at any instant: what is stored decides
// what a start does next.
//   no plan stored  precheck, slot, plan            phase load    the initial load goes on with what is missing
//   phase follow    the incremental stage           phase done    nothing is left to do
#pragma once

#include "alert/alerter.hpp"
#include "base/sql/session.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "source/retry_policy.hpp"
#include "task/drift_check.hpp"
#include "task/live.hpp"
#include "task/reporter.hpp"
#include "task/sequence_keeper.hpp"
#include "task/state_store.hpp"
#include "task/sync_keeper.hpp"

#include <memory>
#include <optional>

namespace walbridge::task {

class Runner {
  public:
    Runner(const TaskConfig &config, StopToken &stop);

    /// Returns when the task is complete or a stop was requested; throws the Error that ended it, which is stored as
    /// well.
    void run();

    /// What the process knows of the task; for whoever runs it beside another one.
    [[nodiscard]] Live &live() { return live_; }

  private:
    /// One life between two failures.
    void attempt();
    void follow(sql::Session &control, const StoredIdentity &identity, target::Progress progress);
    void complete(sql::Session &control);
    /// Lets changes of the selection take effect, and what they leave to be done begins. Throws
    /// pipeline::CopyRequested.
    void settle_objects(sql::Session &control, const target::Progress &progress);
    /// Reads the selection that is in force; what goes by it begins anew when it changed.
    void read_objects_in_force(sql::Session &control);
    /// `now`: the task as in its file, with another selection.
    void put_in_force(TaskConfig now);
    /// Refuses tasks that may not run, and files that describe another task than the stored one.
    void check_row(const TaskRow &row) const;
    /// Something was achieved since the last failure: the retry window starts anew.
    [[nodiscard]] bool moved_on();
    /// Ends the reporter and takes our name off the task's row.
    void leave();
    /// The task's lock; an older process that finds it taken has lost the task.
    void take_lock(sql::Session &session);
    /// The task as it is in force.
    [[nodiscard]] const TaskConfig &task() const { return in_force_ ? *in_force_ : config_; }
    /// Ends the threads that only accompany the work.
    void end_companions();
    /// The end of a task that needs somebody: state, log, alert.
    void fail(const Error &error);
    /// Alerts of earlier processes go on where they ended.
    void restore_alerts(const TaskRow &row);
    /// What a later start compares the slot with, as late as possible.
    void store_slot_best_effort();
    /// The failure was told to whom it concerns: the next process does not tell the same again.
    void store_told_best_effort();
    /// A session of its own: the failure may be the target's.
    void store_best_effort(State state, const std::optional<std::string> &error, bool leaving);

    const TaskConfig &config_;
    /// The same with the selection as commands changed it; nullptr = as in the file. Whatever refers to an older one
    /// has ended when it is replaced.
    std::unique_ptr<const TaskConfig> in_force_;
    StopToken &stop_;
    Live live_;
    source::RetryBackoff window_;
    alert::Alerter alerter_;
    std::optional<std::string> told_failure_; ///< what an earlier process ended with, and told
    std::optional<Reporter> reporter_;
    std::unique_ptr<SyncKeeper> sync_; ///< from the first attempt that follows the source to the end of the process
    std::optional<SequenceKeeper> sequences_;
    std::optional<DriftCheck> drift_; ///< from the first attempt that follows the source to the end of the process
    std::unique_ptr<sql::Session> control_; ///< holds the task's lock, also between attempts
    bool load_gave_up_ = false, followed_ = false;
    bool whole_transactions_ = false; ///< the stream had to begin anew without transactions in progress
    std::uint64_t achieved_ = 0;
    source::RetryBackoff::Clock::time_point following_since_{};
};

} // namespace walbridge::task
