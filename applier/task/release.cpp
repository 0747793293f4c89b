// release.cpp: undoing what a task left on both servers, to start over (reset) or for good (release).
#include "base/lsn.hpp"
#include "copy/large_objects.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/origins.hpp"
#include "target/state_session.hpp"
#include "task/object_changes.hpp"
#include "task/operator_commands.hpp"
#include "task/replica_identity.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"
#include "task/sync_task.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <thread>
#include <unordered_set>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_literal;

std::string session_name(const char *what) { return fmt::format("walbridge:{}", what); }

pg::Session open_source(const TaskConfig &config, const char *what) {
    return {config.source.endpoint,
            {.application_name = session_name(what), .replication = false, .settings = {{"lock_timeout", "10s"}}}};
}

std::unique_ptr<sql::Session> open_target(const TaskConfig &config, const char *what) {
    return target::open_state(config, session_name(what), {.lock_timeout = std::chrono::seconds(10)});
}

void refuse_while_running(sql::Session &target, const TaskConfig &config, const char *what) {
    if (!lock_holder(target, config.name)) return;
    const auto row = read_task(target, config.name);
    throw Error(ErrorKind::task_state, fmt::format("task {}", config.name),
                fmt::format("a process runs it: {}", row && row->holder ? *row->holder : "unknown"),
                fmt::format("walbridge stop first, then walbridge {}.", what));
}

/// A session that still uses the origin needs a moment to go.
std::string drop_origin(sql::Session &target, const std::string &origin, bool &complete) {
    for (int attempt = 0;; ++attempt) {
        try {
            target.ask("SELECT pg_catalog.pg_replication_origin_drop($1)", {origin});
            return fmt::format("target: dropped origin {}\n", origin);
        } catch (const SqlError &error) {
            if (error.sqlstate() == "55006" && attempt < 20) {
                std::this_thread::sleep_for(std::chrono::milliseconds(250));
                continue;
            }
            if (error.sqlstate() != "42501") throw;
            complete = false;
            return fmt::format(
                "target: the role may not drop the origin; run as superuser: SELECT pg_replication_origin_drop({});\n",
                quote_literal(origin));
        }
    }
}

std::string drop_origins(sql::Session &target, const TaskConfig &config, bool &complete) {
    if (target.dialect() != sql::Dialect::postgres) return {};
    const auto origins =
        target.ask(fmt::format("SELECT o.roname FROM pg_catalog.pg_replication_origin o WHERE {} ORDER BY 1",
                               target::origins_of_task),
                   {config.origin_name()});
    std::string text;
    for (int row = 0; row < origins.rows(); ++row) text += drop_origin(target, origins.text(row, 0), complete);
    return text;
}

/// Tasks that bring tables for this one, as either side knows them: a slot without a row is theirs too.
std::vector<TaskConfig> sync_tasks(const TaskConfig &config, sql::Session *target, pg::Session *source) {
    auto found = target != nullptr ? stored_sync_tasks(config, *target) : std::vector<TaskConfig>{};
    if (source == nullptr) return found;
    for (const auto &slot : sync_slots(*source, config)) {
        const auto name = slot.substr(std::string_view("walbridge_").size());
        if (std::ranges::find(found, name, &TaskConfig::name) == found.end())
            found.push_back(sync_task_config(config, name, {}, false));
    }
    return found;
}

/// What commands changed about the selection goes with the task's state.
std::string forgotten_changes(sql::Session &target, const TaskConfig &config) {
    const auto changes = load_object_changes(target, config.name);
    const auto in_force = std::ranges::count_if(changes, [](const ObjectChange &change) {
        return change.state != ObjectChange::State::cancelled && change.action != ObjectChange::Action::resync;
    });
    if (in_force == 0) return {};
    return fmt::format("target: {} changes by walbridge objects are forgotten: the next run takes the task file's "
                       "selection\n",
                       in_force);
}

std::string truncate_targets(sql::Session &target, const TaskConfig &config) {
    const auto rows =
        target.ask({"SELECT DISTINCT s.schema_name, s.table_name FROM walbridge.table_sync s JOIN walbridge.task t ON "
                    "t.task = s.task WHERE t.task = $1 OR pg_catalog.to_jsonb(t) ->> 'sync_of' = $1 ORDER BY 1, 2",
                    "SELECT DISTINCT s.schema_name, s.table_name FROM walbridge.table_sync s JOIN walbridge.task t ON "
                    "t.task = s.task WHERE t.task = $1 OR t.sync_of = $1 ORDER BY 1, 2"},
                   {config.name});
    const auto here =
        target.ask({"SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                    "c.relnamespace WHERE c.relkind IN ('r', 'p')",
                    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"});
    std::unordered_set<QualifiedName> present;
    for (int row = 0; row < here.rows(); ++row) present.insert({here.text(row, 0), here.text(row, 1)});
    std::vector<QualifiedName> tables;
    for (int row = 0; row < rows.rows(); ++row)
        if (auto table = config.names.table({rows.text(row, 0), rows.text(row, 1)}); present.contains(table))
            tables.push_back(std::move(table));
    if (tables.empty()) return {};
    if (target.dialect() == sql::Dialect::mysql) {
        target.ask("SET foreign_key_checks = 0");
        for (const auto &table : tables) target.ask("TRUNCATE TABLE " + dialect::mysql::quote(table));
        target.ask("SET foreign_key_checks = 1");
        return fmt::format("target: emptied {} tables\n", tables.size());
    }
    std::string list;
    for (const auto &table : tables) list += (list.empty() ? "" : ", ") + dialect::postgres::quote(table);
    // One statement, so that foreign keys among the tables do not stand in the way; tables outside the task stay
    // protected.
    target.ask(
        fmt::format("SET session_replication_role = replica; TRUNCATE {}; RESET session_replication_role", list));
    return fmt::format("target: emptied {} tables\n", tables.size());
}

std::string kept_created(sql::Session &target, const TaskConfig &config) {
    const auto items =
        target.ask_value("SELECT count(*) FROM walbridge.schema_item WHERE task = $1 AND done", {config.name});
    if (!items || *items == "0") return {};
    return fmt::format("target: {} objects of the schema stage stay and are used again by the next run\n", *items);
}

} // namespace

std::string reset(const TaskConfig &config, bool truncate) {
    const auto session = open_target(config, "reset");
    auto &target = *session;
    refuse_while_running(target, config, "reset");
    if (state_installed(target)) install_state(target); // of an older walbridge: all of its tables are looked at
    std::string text;
    const auto row = read_task(target, config.name);
    if (row && row->state == State::switched_over)
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name),
                    "it was switched over and never runs again", "Use walbridge release.");
    auto source = open_source(config, "reset");
    const auto syncs = sync_tasks(config, &target, &source);
    // The slots first: a task without its slot is refused, a slot without its task would keep WAL for ever.
    for (const auto &sync : syncs)
        if (drop_slot(source, sync)) text += fmt::format("source: dropped slot {}\n", sync.slot_name());
    if (row && row->slot && drop_slot(source, config))
        text += fmt::format("source: dropped slot {}\n", config.slot_name());
    if (row) {
        if (truncate) text += truncate_targets(target, config);
        if (truncate && target.dialect() == sql::Dialect::postgres)
            if (const auto removed = copy::unlink_large_objects(static_cast<pg::Session &>(target), config.name);
                removed > 0)
                text += fmt::format("target: removed {} large objects\n", removed);
        text += kept_created(target, config);
        text += forgotten_changes(target, config);
        bool complete = true;
        text += drop_origins(target, config, complete);
        for (const auto &sync : syncs) {
            inherit_from_sync_task(target, sync);
            remove_task(target, sync.name, false);
        }
        remove_task(target, config.name, true);
        text += "target: removed the task's state\n";
    }
    return text.empty() ? fmt::format("task {}: there is nothing to reset\n", config.name) : text;
}

ReleaseResult release(const TaskConfig &config) {
    ReleaseResult result;
    std::unique_ptr<sql::Session> target;
    std::optional<pg::Session> source;
    std::string target_down, source_down;
    try {
        target = open_target(config, "release");
    } catch (const Error &error) {
        target_down = error.reason();
    }
    try {
        source.emplace(open_source(config, "release"));
    } catch (const Error &error) {
        source_down = error.reason();
    }
    if (target) refuse_while_running(*target, config, "release");

    std::vector<std::string> restoring;
    const bool known = target && state_installed(*target);
    if (known) install_state(*target); // of an older walbridge
    const auto syncs = sync_tasks(config, known ? target.get() : nullptr, source ? &*source : nullptr);
    if (known) {
        for (const auto &sync : syncs) inherit_from_sync_task(*target, sync);
        if (const auto heir = hand_over_identities(config.name, *target))
            result.text += fmt::format("source: the replica identities that were set stay for task {}, which follows "
                                       "this source; its release restores them\n",
                                       *heir);
        restoring = restoring_statements(config.name, *target);
    }
    if (source) {
        for (const auto &statement : restoring) {
            try {
                source->execute(statement);
                result.text += fmt::format("source: {}\n", statement);
            } catch (const SqlError &error) {
                result.complete = false;
                result.text +=
                    fmt::format("source: could not restore an identity ({}); run: {};\n", error.reason(), statement);
            }
        }
        for (const auto &sync : syncs)
            if (drop_slot(*source, sync)) result.text += fmt::format("source: dropped slot {}\n", sync.slot_name());
        result.text += drop_slot(*source, config) ? fmt::format("source: dropped slot {}\n", config.slot_name())
                                                  : fmt::format("source: no slot {}\n", config.slot_name());
    } else {
        result.complete = false;
        result.text += fmt::format("source: cannot be reached ({}); run there:\n", source_down);
        result.text +=
            fmt::format("  SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {} "
                        "OR slot_name ~ "
                        "{};\n",
                        quote_literal(config.slot_name()), quote_literal("^" + config.slot_name() + "_sync_[0-9]+$"));
        for (const auto &statement : restoring) result.text += fmt::format("  {};\n", statement);
        if (!target)
            result.text +=
                "  -- identities that walbridge set are listed in walbridge.replica_identity on the target\n";
    }
    if (target) {
        result.text += drop_origins(*target, config, result.complete);
        if (known) {
            for (const auto &sync : syncs) remove_task(*target, sync.name, false);
            remove_task(*target, config.name, false);
            result.text += "target: removed the task's state\n";
            if (target->ask_value("SELECT count(*) FROM walbridge.task") == "0")
                result.text += target->dialect() == sql::Dialect::mysql
                                   ? "target: no task is left; the database can go: DROP DATABASE walbridge;\n"
                                   : "target: no task is left; the schema can go: DROP SCHEMA walbridge CASCADE;\n";
        }
    } else {
        result.complete = false;
        result.text += fmt::format("target: cannot be reached ({}); run there:\n", target_down);
        const bool mysql = target::is_mysql(config);
        if (!mysql)
            result.text += fmt::format(
                "  SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = {} OR "
                "starts_with(roname, {});\n",
                quote_literal(config.origin_name()), quote_literal(config.origin_name() + ":"));
        const auto dialect = mysql ? sql::Dialect::mysql : sql::Dialect::postgres;
        for (const auto &sync : syncs)
            for (const auto &statement : removal_statements(sync.name, false, dialect))
                result.text += fmt::format("  {};\n", statement);
        for (const auto &statement : removal_statements(config.name, false, dialect))
            result.text += fmt::format("  {};\n", statement);
    }
    return result;
}

} // namespace walbridge::task
