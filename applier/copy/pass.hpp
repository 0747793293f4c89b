// pass.hpp: copies chunks under one snapshot with several workers. A pass never decides what a chunk is: it copies what
// it is given, and names the tables that the source has changed since the snapshot, which a later pass copies under a
// newer one.
//
// Each worker owns two sessions: on the source a transaction with the snapshot, on the target one transaction per chunk
// (fence, rows, done flag). A table's ACCESS SHARE lock on the source is held for one chunk only, so that waiting DDL
// proceeds between chunks.
// Small tables share all of that in groups. A group's locks on the source are never waited for: holding some of them
// and waiting for others is how a deadlock with the source's own sessions begins. Whatever goes wrong with a group, its
// tables are copied one by one, which waits where it must and names the table that fails.
#pragma once

#include "base/sql/fence.hpp"
#include "base/stop_token.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"
#include "copy/chunk.hpp"
#include "copy/progress.hpp"
#include "copy/row_sink.hpp"
#include "schema/worker_pool.hpp"
#include "source/catalog.hpp"
#include "source/retry_window.hpp"
#include "source/snapshot.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace walbridge::copy {

/// What all parts of a load share.
struct LoadContext {
    const TaskConfig &config;
    const sql::Fence fence;
    const StopToken &stop;
    Progress &progress;
    Throttle &throttle;
};

/// A session on the source with the settings that values in text form need, not in a transaction.
[[nodiscard]] pg::Session open_copy_source(const TaskConfig &config);

class Pass {
  public:
    struct Result {
        int chunks_done = 0;
        std::set<std::uint32_t>
            changed; ///< tables rewritten, truncated, altered, renamed or dropped since the snapshot
        bool stopped = false;
        bool let_go = false; ///< chunks were given up because others waited for their tables while the copy was held
    };

    /// `tables` and `target` outlive the pass. `held`: a session that has imported the snapshot and holds locks that
    /// others could not get; then it is the only one (see TableGuard).
    Pass(LoadContext context, source::ExportedSnapshot &snapshot, const SourceTables &tables, RowTarget &target,
         std::vector<Chunk> open, std::optional<pg::Session> held = std::nullopt);

    /// Copies until nothing is left that this snapshot can give. When the snapshot is lost the rest stays open: not an
    /// error.
    Result run();

  private:
    using Group = std::vector<Chunk>; ///< one chunk, or several small tables
    struct TableState {
        std::mutex begin; // held by the worker that begins the table
        bool begun = false;
    };

    void work(schema::WorkerSession &worker);
    /// Empty when there is nothing left.
    Group take();
    void give_back(Group group);
    /// The group's locks are gone, its rows rolled back. False: this worker keeps locks of its own and ends.
    bool let_go(schema::WorkerSession &worker, Group group);
    void copy_group(schema::WorkerSession &worker, Group &group);
    /// Locks the tables and leaves out of the group those that are not what the snapshot shows.
    void lock_and_compare(pg::Session &source, Group &group);
    void leave_out(Group &group, const std::set<std::uint32_t> &changed);
    void begin_table(RowSink &sink, const Chunk &chunk);
    void transfer(schema::WorkerSession &worker, pg::Session &source, RowSink &sink, Group &group);
    pg::Session open_source();

    LoadContext context_;
    source::ExportedSnapshot &snapshot_;
    const SourceTables &tables_;
    RowTarget &target_;

    std::mutex mutex_; // guards open_, alone_, result_ and snapshot_'s connection
    std::deque<Chunk> open_;
    std::set<std::uint32_t> alone_; ///< tables of a group that failed
    Result result_;
    std::optional<pg::Session> held_; ///< until the one worker takes it
    const bool single_;
    std::size_t workers_ = 1;
    std::map<std::uint32_t, TableState> states_;
    std::mutex now_mutex_;           // guards now_
    std::optional<pg::Session> now_; ///< sees the source as it is now
};

} // namespace walbridge::copy
