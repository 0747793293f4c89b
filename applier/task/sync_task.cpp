// sync_task.cpp: see sync_task.hpp.
#include "task/sync_task.hpp"

#include "base/log.hpp"
#include "base/sql/fence.hpp"
#include "base/sql/presence.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "schema/item_store.hpp"
#include "schema/mysql/target_session.hpp"
#include "schema/target_session.hpp"
#include "target/kind.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

/// Beside the parent's own sessions.
constexpr int most_workers = 2;

TaskConfig reduced(const TaskConfig &parent, const std::string &name) {
    auto sync = parent;
    sync.name = name;
    sync.sync_of = parent.name;
    sync.reverse_of.clear();
    sync.succeeds.clear();
    sync.given.clear();
    sync.full_stage = sync.incremental_stage = true;
    sync.objects.exclude.clear();
    sync.objects.large_objects = "ignore"; // the parent's
    sync.copy.workers = std::min(parent.copy.workers, most_workers);
    sync.copy.index_workers = std::min(parent.copy.index_workers, most_workers);
    sync.apply.workers = 1;
    sync.apply.stream_sessions = 0;
    // What goes on beside the stream is the parent's work.
    sync.sequences.interval = std::chrono::milliseconds(0);
    sync.schema.check = "off";
    // The parent tells of its failure and its slot.
    sync.alert.webhook.clear();
    sync.alert.command.clear();
    return sync;
}

void truncate_or_delete(pg::Session &target, const QualifiedName &table) {
    const auto name = dialect::postgres::quote(table);
    target.execute("SAVEPOINT walbridge_empty");
    try {
        target.execute("TRUNCATE ONLY " + name);
    } catch (const SqlError &error) {
        if (error.sqlstate() != "0A000" && error.sqlstate() != "42501") throw; // referred to; no right to
        target.execute("ROLLBACK TO SAVEPOINT walbridge_empty");
        target.execute("DELETE FROM ONLY " + name);
    }
    target.execute("RELEASE SAVEPOINT walbridge_empty");
}

} // namespace

std::string sync_task_name(const std::string &parent, int number) { return fmt::format("{}_sync_{}", parent, number); }

std::string free_sync_task_name(sql::Session &target, const std::string &parent, int number) {
    while (target.ask_value("SELECT 1 FROM walbridge.task WHERE task = $1", {sync_task_name(parent, number)})) ++number;
    return sync_task_name(parent, number);
}

TaskConfig sync_task_config(const TaskConfig &parent, const std::string &name, const std::vector<QualifiedName> &tables,
                            bool create) {
    auto sync = reduced(parent, name);
    sync.schema_stage = create;
    sync.objects.include.clear();
    for (const auto &table : tables) sync.objects.include.push_back(dialect::postgres::quote(table));
    return sync;
}

std::vector<TaskConfig> stored_sync_tasks(const TaskConfig &parent, sql::Session &target) {
    std::vector<TaskConfig> found;
    if (!sql::has_column(target, {"walbridge", "task"}, "sync_of")) return found; // no state, or an older one
    const auto rows = target.ask({"SELECT task, pg_catalog.array_to_string(stages, ','), coalesce(objects::text, '') "
                                  "FROM walbridge.task WHERE sync_of = $1 ORDER BY created_at, task",
                                  "SELECT task, stages, coalesce(objects, '') FROM walbridge.task WHERE sync_of = $1 "
                                  "ORDER BY created_at, task"},
                                 {parent.name});
    for (int row = 0; row < rows.rows(); ++row) {
        auto sync = reduced(parent, rows.text(row, 0));
        sync.schema_stage = rows.text(row, 1).starts_with("schema");
        sync.objects.include.clear();
        if (const auto objects = read_objects(rows.text(row, 2))) sync.objects.include = objects->include;
        found.push_back(std::move(sync));
    }
    return found;
}

void store_sync_task(const TaskConfig &sync, sql::Session &target) {
    create_task(target, sync);
    target.ask(
        {"UPDATE walbridge.task s SET throttle = p.throttle FROM walbridge.task p WHERE s.task = $1 AND p.task = "
         "$2",
         "UPDATE walbridge.task s JOIN walbridge.task p ON p.task = $2 SET s.throttle = p.throttle WHERE s.task "
         "= $1"},
        {sync.name, sync.sync_of});
}

void inherit_from_sync_task(sql::Session &target, const TaskConfig &sync) {
    sql::in_transaction(target, [&] {
        const auto last = std::to_string(schema::hold_last_number(target, sync.sync_of));
        target.ask({"INSERT INTO walbridge.schema_item (task, item, section, object_type, object_name, table_name, "
                    "statement, done) SELECT $1, item + $3::integer, section, object_type, object_name, table_name, "
                    "statement, true FROM walbridge.schema_item i WHERE i.task = $2 AND i.done",
                    "INSERT INTO walbridge.schema_item (task, item, section, object_type, object_name, table_name, "
                    "statement, begun, done) SELECT $1, item + $3, section, object_type, object_name, table_name, "
                    "statement, 1, 1 FROM walbridge.schema_item i WHERE i.task = $2 AND i.done"},
                   {sync.sync_of, sync.name, last});
        target.ask("DELETE FROM walbridge.schema_item WHERE task = $1", {sync.name});
        target.ask(
            {"INSERT INTO walbridge.replica_identity (task, schema_name, table_name, statement) SELECT $1, "
             "schema_name, table_name, statement FROM walbridge.replica_identity r WHERE r.task = $2 ON CONFLICT "
             "DO NOTHING",
             "INSERT IGNORE INTO walbridge.replica_identity (task, schema_name, table_name, statement) SELECT "
             "$1, schema_name, table_name, statement FROM walbridge.replica_identity r WHERE r.task = $2"},
            {sync.sync_of, sync.name});
    });
}

void remove_sync_task(const TaskConfig &sync, sql::Session &target) {
    pg::Session source(sync.source.endpoint, {.application_name = sync.application_name("end"),
                                              .replication = false,
                                              .settings = {{"lock_timeout", "10s"}}});
    // The slot first: what the target forgets cannot be found again by it.
    if (drop_slot(source, sync)) log::info("dropped the slot of a sync task", {{"slot", sync.slot_name()}});
    inherit_from_sync_task(target, sync); // of one that was given up; nothing is left of one that handed over
    remove_task(target, sync.name, false);
}

std::vector<std::string> sync_slots(pg::Session &source, const TaskConfig &parent) {
    const auto rows = source.query("SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE database = "
                                   "pg_catalog.current_database() AND plugin = $2 AND slot_name ~ "
                                   "pg_catalog.concat('^', $1::text, '_sync_[0-9]+$') ORDER BY 1",
                                   {parent.slot_name(), slot_plugin});
    std::vector<std::string> slots;
    for (int row = 0; row < rows.rows(); ++row) slots.push_back(rows.text(row, 0));
    return slots;
}

void empty_tables(const TaskConfig &sync, const std::vector<QualifiedName> &source_names, std::uint64_t parent_epoch) {
    const sql::Fence fence(sync.sync_of, parent_epoch);
    if (target::is_mysql(sync)) {
        auto target = schema::mysql::open_target(sync, "copy"); // without checks of foreign keys
        for (const auto &name : source_names) {
            fence.around(target, [] {}); // TRUNCATE commits by itself
            target.execute("TRUNCATE TABLE " + dialect::mysql::quote(sync.names.table(name)));
        }
    } else {
        auto target = schema::open_target(sync, "copy");
        target.execute("SET synchronous_commit = local"); // nobody may find the rows again behind the copy's back
        for (const auto &name : source_names)
            fence.around(target, [&] { truncate_or_delete(target, sync.names.table(name)); });
    }
    for (const auto &name : source_names)
        log::info("the table is emptied on the target: its rows are copied again",
                  {{"table", to_string(sync.names.table(name))}});
}

} // namespace walbridge::task
