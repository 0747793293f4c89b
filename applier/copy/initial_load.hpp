// initial_load.hpp: everything between a new task and its incremental stage: schema before the data, data, schema after
// the data. What is to be done stands in walbridge.schema_item and walbridge.table_sync on the target and is marked
// done in the same transactions as the work, so run() continues after a kill at any instant. One thread owns an
// InitialLoad; it starts workers.
//
// The task runner's use:
// - A new task makes its permanent slot, whose ExportedSnapshot goes to plan(), which reads the source and writes
//   nothing. One target transaction holds the rows of task, progress and identity and what store() writes. Then
//   take_over() gives the epoch for run(epoch, &snapshot).
// - After a kill: take_over(), then run(epoch, nullptr).
// - A slot without a stored plan is dropped and created again by the runner: nothing was done with it.
#pragma once

#include "base/lsn.hpp"
#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"
#include "copy/chunk.hpp"
#include "copy/progress.hpp"
#include "schema/item.hpp"
#include "source/snapshot.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walbridge::copy {

/// What a new task has to do, as read from the source under the slot's snapshot.
struct LoadPlan {
    std::vector<schema::Item> items;          ///< empty without a schema stage
    std::vector<Chunk> chunks;                ///< empty without a full stage
    std::vector<std::uint32_t> large_objects; ///< empty unless they are to be copied
    /// For targets that follow DDL by definitions: the tables as JSON, by OID (schema/mysql/definition_json.hpp).
    std::map<std::uint32_t, std::string> definitions;
    /// By their names on the target, those that were there before the task (objects.existing = "proceed").
    std::vector<QualifiedName> existing;
};

class InitialLoad {
  public:
    /// `slot_plugin` is for tests on servers without walbridge's plugin. The references must outlive the object.
    InitialLoad(const TaskConfig &config, const StopToken &stop, Progress &progress, Throttle &throttle,
                std::string slot_plugin = "walbridge");

    /// Reads objects, sizes and definitions under the snapshot, and on the target what is there already where the task
    /// goes on with it. Throws Error (schema_stage, permission, connection,
    /// ...).
    [[nodiscard]] LoadPlan plan(source::ExportedSnapshot &snapshot) const;

    /// Writes the plan through the caller's open transaction.
    void store(const LoadPlan &plan, sql::Session &target) const;

    /// Does what is missing, in order. `first` is the permanent slot's snapshot right after its creation; nullptr makes
    /// a fresh temporary slot where rows are still missing. True: all done and durable. False: a stop was requested.
    /// Throws Error: fenced, target_shape, schema_stage, copy_stage, permission, connection (after the retry window),
    /// ...
    bool run(std::uint64_t epoch, source::ExportedSnapshot *first);

    /// True when nothing of the stored plan is missing (also when there never was one).
    [[nodiscard]] static bool complete(sql::Session &target, const std::string &task);

  private:
    const TaskConfig &config_;
    const StopToken &stop_;
    Progress &progress_;
    Throttle &throttle_;
    std::string slot_plugin_;
};

} // namespace walbridge::copy
