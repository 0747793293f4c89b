// sync_keeper.hpp: changes of a running task's tables [M-07]: takes what command lines asked for in
// walbridge.object_change, runs the sync tasks that bring tables, and has the parent's stream begin anew at the moments
// in which its selection changes.
//
// Three threads. The keeper's own looks at the rows several times a second, begins and ends sync tasks (one at a time),
// and asks the stream to leave; the sync task's runs a Runner of its own, so that its failures are not the parent's;
// the parent's runner calls settle() between two streams, where alone the selection changes, in transactions behind the
// fence of its epoch. What each of them moves in walbridge.object_change:
//   settle()     remove: asked to done; resync: asked to syncing; what a sync task has brought: syncing to done
//   the keeper   add: asked to syncing; syncing to failed and back; cancelling to cancelled
// Everything that a start needs is stored before it is done: a process that is killed goes on with it.
#pragma once

#include "base/error.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "target/progress.hpp"
#include "task/live.hpp"
#include "task/object_changes.hpp"
#include "task/state_store.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace walbridge::task {

class SyncKeeper {
  public:
    /// Starts the thread. `config` is the task as in its file, `previous` the selection that its last process stored
    /// (walbridge.task.objects); the references must outlive the object.
    SyncKeeper(const TaskConfig &config, Live &live, std::optional<TaskObjects> previous);
    /// Ends the sync task that runs; the next process goes on with it.
    ~SyncKeeper();
    SyncKeeper(const SyncKeeper &) = delete;
    SyncKeeper &operator=(const SyncKeeper &) = delete;

    /// On the runner's thread, while nothing streams: `control` holds the task's lock, `progress` is what it just took
    /// over. True: the task has to go back to its initial load. Throws SqlError of connections, Error(fenced).
    [[nodiscard]] bool settle(sql::Session &control, const target::Progress &progress);

    /// The selection of the last process, for as long as settle() could not put the task file's in its place; nullopt
    /// from then on.
    [[nodiscard]] std::optional<TaskObjects> kept_selection() const;

  private:
    struct Running;
    using Changes = std::vector<ObjectChange>;

    void work();
    void look(sql::Session &target, std::uint64_t epoch);
    /// The sync task that runs: how far it is, whether it ended.
    void watch(sql::Session &target, const Changes &changes);
    void begin_next(sql::Session &target, std::uint64_t epoch, const Changes &changes);
    void accept(sql::Session &target, std::uint64_t epoch, const Changes &command);
    void run(const TaskConfig &sync, int command, bool empties, std::uint64_t epoch);
    void give_up(sql::Session &target, std::uint64_t epoch, const Changes &changes);
    void store_failure(sql::Session &target, int command, const Error &error);
    /// What earlier processes left: sync tasks that ended are to be removed, those that failed are tried again.
    void take_stock(sql::Session &target, const Changes &changes);
    void retry_failed(sql::Session &target, const Changes &changes);
    void remove_ended(sql::Session &target);
    void see_off(sql::Session &target);
    void end_running(Running &running);
    [[nodiscard]] std::unique_ptr<Running> take_running();

    /// Once per process: tables that the task file selects now, and did not before, are brought.
    void settle_selection(sql::Session &control, const target::Progress &progress);
    /// Once per process: tables that the task file has under another rule now are copied once more.
    void settle_rules(sql::Session &control, const target::Progress &progress);
    void settle_exclusions(sql::Session &control, const target::Progress &progress, const Changes &changes);

    const TaskConfig &config_;
    Live &live_;
    const std::optional<TaskObjects> previous_;
    bool stock_taken_ = false;
    std::atomic<bool> file_settled_{false}; ///< what changed in the task file since the last process
    int resumed_ = 0;
    bool keys_wait_ = true;               ///< foreign keys between brought tables and others may be open
    std::vector<TaskConfig> ended_;       ///< sync tasks whose slots and rows are to be removed
    std::optional<std::string> reported_; ///< why looking failed
    std::mutex mutex_;                    ///< guards running_
    std::unique_ptr<Running> running_;
    StopToken end_;
    std::thread thread_;
};

} // namespace walbridge::task
