// pass.hpp: copies chunks under one snapshot with several workers. A pass never decides what a chunk is: it copies what
// it is given, and names the tables that the source has changed since the snapshot, which a later pass copies under a
// newer one.
//
// Each worker owns two sessions: on the source a transaction with the snapshot, on the target one transaction per chunk
// (fence, rows, done flag). A table's ACCESS SHARE lock on the source is held for one chunk only, so that waiting DDL
// proceeds between chunks.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "copy/chunk.hpp"
#include "copy/chunk_copier.hpp"
#include "copy/progress.hpp"
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
    const std::string fence; ///< SQL that refuses when the task was taken over
    const StopToken &stop;
    Progress &progress;
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
    };

    /// `tables`: all of the source under the snapshot, by oid. `targets`: all of the target, by name. Both outlive the
    /// pass. `held`: a session that has imported the snapshot and holds locks that others could not get; then it is the
    /// only one (see TableGuard).
    Pass(LoadContext context, source::ExportedSnapshot &snapshot, const std::map<std::uint32_t, source::Table> &tables,
         const std::map<QualifiedName, source::Table> &targets, std::vector<Chunk> open,
         std::optional<pg::Session> held = std::nullopt);

    /// Copies until nothing is left that this snapshot can give. When the snapshot is lost the rest stays open: not an
    /// error.
    Result run();

  private:
    enum class Verdict { same, changed };
    struct TableState {
        std::mutex begin; // held by the worker that begins the table
        bool begun = false;
    };

    void work(schema::WorkerSession &worker);
    std::optional<Chunk> take();
    void give_back(Chunk chunk);
    void copy_chunk(schema::WorkerSession &worker, Chunk &chunk);
    Verdict lock_and_compare(pg::Session &source, const source::Table &table);
    void begin_table(pg::Session &target, const Chunk &chunk);
    Counts transfer(pg::Session &source, pg::Session &target, const Chunk &chunk, const source::Table &table);
    pg::Session open_source();

    LoadContext context_;
    source::ExportedSnapshot &snapshot_;
    const std::map<std::uint32_t, source::Table> &tables_;
    const std::map<QualifiedName, source::Table> &targets_;

    std::mutex mutex_; // guards open_, result_ and snapshot_'s connection
    std::deque<Chunk> open_;
    Result result_;
    std::optional<pg::Session> held_; ///< until the one worker takes it
    const bool single_;
    std::map<std::uint32_t, TableState> states_;
    std::mutex now_mutex_;           // guards now_
    std::optional<pg::Session> now_; ///< sees the source as it is now
};

} // namespace walbridge::copy
