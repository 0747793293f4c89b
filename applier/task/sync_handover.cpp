// sync_handover.cpp: see sync_handover.hpp.
#include "task/sync_handover.hpp"

#include "base/log.hpp"
#include "base/sql/fence.hpp"
#include "copy/chunk_store.hpp"
#include "ddl/rename.hpp"
#include "dialect/postgres.hpp"
#include "schema/item_store.hpp"
#include "schema/mysql/definitions.hpp"
#include "schema/mysql/plan.hpp"
#include "schema/mysql/presence.hpp"
#include "schema/mysql/target_session.hpp"
#include "schema/target_session.hpp"
#include "source/catalog.hpp"
#include "source/shape.hpp"
#include "target/kind.hpp"
#include "target/mysql/value_policy.hpp"
#include "task/object_changes.hpp"
#include "task/state_store.hpp"
#include "task/table_rules_store.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace walbridge::task {
namespace {

using Selection = wire::ObjectSelection;

Selection selection_of(const TaskConfig &config) { return {config.objects.include, config.objects.exclude}; }

bool matches(const Selection &selection, const source::Table &table) {
    return selection.matches(table.name.schema, table.name.name);
}

/// The sync task's position, with its row locked and its epoch raised: nothing of its process commits any more.
/// nullopt: a part of a transaction is on the target beyond it.
std::optional<Lsn> fence_off(sql::Session &control, const std::string &sync) {
    if (control.dialect() == sql::Dialect::postgres) {
        const auto row = control.ask("UPDATE walbridge.progress SET epoch = epoch + 1, updated_at = now() WHERE task = "
                                     "$1 RETURNING position",
                                     {sync});
        if (row.rows() == 0) return std::nullopt;
        return parse_lsn(row.text(0, 0));
    }
    const auto row = control.ask("SELECT position FROM walbridge.progress WHERE task = $1 FOR UPDATE", {sync});
    if (row.rows() == 0 || control.ask_value("SELECT 1 FROM walbridge.begun_transaction WHERE task = $1", {sync}))
        return std::nullopt;
    control.ask("UPDATE walbridge.progress SET epoch = epoch + 1, updated_at = now(6) WHERE task = $1", {sync});
    return parse_lsn(row.text(0, 0));
}

/// `tables`: of the source.
void take_table(const TaskConfig &parent, sql::Session &control, const copy::Chunk &whole, std::uint64_t rows,
                std::uint64_t bytes, const std::vector<source::Table> &tables) {
    const auto table = std::ranges::find(tables, whole.source_oid, &source::Table::oid);
    copy::replace_chunks(control, parent.name, whole.source_oid, {whole});
    control.ask({"UPDATE walbridge.table_sync s SET rows = $3::bigint, bytes = $4::bigint, rule = $5, started_at = "
                 "now(), finished_at = now() WHERE task = $1 AND source_oid = $2::oid",
                 "UPDATE walbridge.table_sync s SET s.rows = $3, bytes = $4, `rule` = $5, started_at = now(6), "
                 "finished_at = now(6) WHERE task = $1 AND source_oid = $2"},
                {parent.name, std::to_string(whole.source_oid), std::to_string(rows), std::to_string(bytes),
                 table == tables.end() ? std::string() : stored_rule(parent.objects.rules, parent.names, table->name)});
}

/// The tables that the sync task copied, and those that came into being under its eyes with a copied one's name.
void take_tables(const TaskConfig &parent, const TaskConfig &sync, sql::Session &control,
                 const std::vector<source::Table> &tables, Lsn position) {
    std::set<std::uint32_t> known; // the parent's own: renamed into its selection meanwhile
    const auto own = control.ask("SELECT DISTINCT source_oid FROM walbridge.table_sync WHERE task = $1", {parent.name});
    for (int row = 0; row < own.rows(); ++row) known.insert(static_cast<std::uint32_t>(own.number(row, 0)));
    const auto copied = control.ask("SELECT source_oid, schema_name, table_name, sum(t.rows), sum(bytes), "
                                    "sum(estimated_rows), sum(estimated_bytes), max(fingerprint), max(CASE WHEN "
                                    "unlogged THEN 1 ELSE 0 END) FROM walbridge.table_sync t WHERE task = $1 GROUP BY "
                                    "source_oid, schema_name, table_name",
                                    {sync.name});
    copy::Chunk whole;
    whole.kind = copy::ChunkKind::whole;
    whole.done = true;
    whole.sync_lsn = position;
    const auto count = [&](int row, int column) { return static_cast<std::uint64_t>(copied.number(row, column)); };
    for (int row = 0; row < copied.rows(); ++row) {
        whole.source_oid = static_cast<std::uint32_t>(copied.number(row, 0));
        if (!known.insert(whole.source_oid).second) continue;
        whole.table = {copied.text(row, 1), copied.text(row, 2)};
        whole.estimated_rows = count(row, 5);
        whole.estimated_bytes = count(row, 6);
        whole.fingerprint = copied.text(row, 7);
        whole.unlogged = copied.flag(row, 8);
        take_table(parent, control, whole, count(row, 3), count(row, 4), tables);
    }
    const auto brought = selection_of(sync);
    for (const auto &table : tables) {
        if (table.kind != 'r' || !matches(brought, table) || !known.insert(table.oid).second) continue;
        whole.source_oid = table.oid;
        whole.table = table.name;
        whole.estimated_rows = whole.estimated_bytes = 0;
        whole.fingerprint = source::fingerprint(table);
        whole.unlogged = table.unlogged;
        take_table(parent, control, whole, 0, 0, tables);
    }
}

/// Tables that a pattern brings and that came into being after the sync task had begun.
bool request_unknown(const TaskConfig &before, const TaskConfig &after, const TaskConfig &sync, sql::Session &control,
                     const std::vector<source::Table> &tables) {
    const auto old_selection = selection_of(before), new_selection = selection_of(after), brought = selection_of(sync);
    bool any = false;
    for (const auto &table : tables) {
        if (table.kind != 'r' || !matches(new_selection, table) || matches(old_selection, table) ||
            matches(brought, table))
            continue;
        copy::Chunk whole;
        whole.source_oid = table.oid;
        whole.table = table.name;
        copy::replace_chunks(control, before.name, table.oid, {whole});
        control.ask(
            {"UPDATE walbridge.table_sync SET sync_lsn = NULL, fingerprint = '' WHERE task = $1 AND source_oid = "
             "$2::oid",
             "UPDATE walbridge.table_sync SET sync_lsn = NULL, fingerprint = '' WHERE task = $1 AND source_oid "
             "= $2"},
            {before.name, std::to_string(table.oid)});
        log::info("a table came into being while others of its pattern were brought: it is copied too",
                  {{"table", to_string(table.name)}});
        any = true;
    }
    return any;
}

/// What else is known of the tables, and what was written down about them, is the parent's from now on. (What the
/// schema stage created follows when the sync task is removed.)
void take_records(const TaskConfig &parent, const TaskConfig &sync, sql::Session &control) {
    const std::vector<sql::Parameter> names{parent.name, sync.name};
    if (control.dialect() == sql::Dialect::mysql)
        control.ask("INSERT INTO walbridge.table_definition (task, source_oid, definition) SELECT $1, source_oid, "
                    "definition FROM walbridge.table_definition d WHERE d.task = $2 ON DUPLICATE KEY UPDATE definition "
                    "= VALUES(definition)",
                    names);
    control.ask(
        {"UPDATE walbridge.conflict c SET task = $1 WHERE task = $2 AND NOT EXISTS (SELECT FROM "
         "walbridge.conflict o WHERE o.task = $1 AND (o.commit_lsn, o.change, o.kind) = (c.commit_lsn, c.change, "
         "c.kind))",
         "UPDATE IGNORE walbridge.conflict SET task = $1 WHERE task = $2"},
        names);
    control.ask({"UPDATE walbridge.ddl_statement c SET task = $1 WHERE task = $2 AND NOT EXISTS (SELECT FROM "
                 "walbridge.ddl_statement o WHERE o.task = $1 AND (o.commit_lsn, o.number, o.change) = (c.commit_lsn, "
                 "c.number, c.change))",
                 "UPDATE IGNORE walbridge.ddl_statement SET task = $1 WHERE task = $2"},
                names);
}

/// Foreign keys of which one end was brought and the other is the parent's, as the source has them now.
std::vector<schema::Item> foreign_keys_between(const TaskConfig &before, const TaskConfig &sync,
                                               const std::vector<source::Table> &tables) {
    const auto others = selection_of(before), brought = selection_of(sync);
    std::string oids;
    for (const auto &table : tables)
        if (matches(brought, table)) oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
    if (oids.empty()) return {};
    pg::Session source(before.source.endpoint, {.application_name = before.application_name("catalog"),
                                                .replication = false,
                                                .settings = {{"search_path", ""}, {"statement_timeout", "60s"}}});
    const auto rows = source.query(
        "SELECT c.conname, n.nspname, t.relname, rn.nspname, r.relname, pg_catalog.pg_get_constraintdef(c.oid), "
        "c.conrelid::bigint FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN "
        "pg_catalog.pg_namespace n ON n.oid = t.relnamespace JOIN pg_catalog.pg_class r ON r.oid = c.confrelid JOIN "
        "pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE c.contype = 'f' AND c.conparentid = 0 AND "
        "(c.conrelid = ANY (pg_catalog.string_to_array($1, ',')::oid[])) <> (c.confrelid = ANY "
        "(pg_catalog.string_to_array($1, ',')::oid[])) ORDER BY 1, 2, 3",
        {oids});
    std::vector<schema::Item> items;
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName table{rows.text(row, 1), rows.text(row, 2)}, referred{rows.text(row, 3), rows.text(row, 4)};
        if (!others.matches(table.schema, table.name) && !others.matches(referred.schema, referred.name)) continue;
        const auto there = before.names.table(table);
        const auto statement = fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {};", dialect::postgres::quote(table),
                                           dialect::postgres::quote_identifier(rows.text(row, 0)), rows.text(row, 5));
        items.push_back({0, schema::Section::foreign_key, "FK CONSTRAINT",
                         fmt::format("{} {}", to_string(there), rows.text(row, 0)), to_string(there),
                         before.names.empty() ? statement : ddl::rename_statement(statement, before.names), false});
    }
    return items;
}

/// The same for MySQL: what the definitions of all tables together have, and those of either side alone have not.
std::vector<schema::Item> mysql_foreign_keys_between(const TaskConfig &before, const TaskConfig &sync) {
    pg::Session source(before.source.endpoint, {before.application_name("catalog"), false, {}});
    const auto keys = [&](const TaskConfig &config) {
        auto made = schema::mysql::make_definitions(
            schema::mysql::read_selected_tables(config, source),
            {.flavour = target::flavour(config), .policy = target::mysql::value_policy(config)});
        std::erase_if(made.items, [](const schema::Item &item) { return item.type != "FK CONSTRAINT"; });
        return std::move(made.items);
    };
    auto together = before;
    const auto selection = selection_of(before);
    for (const auto &table : source::read_tables(source))
        if (matches(selection, table)) together.objects.include.push_back(dialect::postgres::quote(table.name));
    std::erase_if(together.objects.include,
                  [&](const std::string &pattern) { return std::ranges::count(before.objects.include, pattern) != 0; });
    together.objects.include.insert(together.objects.include.end(), sync.objects.include.begin(),
                                    sync.objects.include.end());
    together.objects.exclude.clear();
    std::set<std::string> alone;
    for (const auto *config : {&before, &sync})
        for (const auto &item : keys(*config)) alone.insert(item.statement);
    auto items = keys(together);
    std::erase_if(items, [&](const schema::Item &item) { return alone.contains(item.statement); });
    return items;
}

/// The name of the constraint that the item's statement adds, as it is written there.
std::string constraint_in(const schema::Item &item) {
    constexpr std::string_view before = " ADD CONSTRAINT ";
    const auto begin = item.statement.find(before) + before.size();
    auto end = begin;
    for (bool quoted = false; end < item.statement.size() && (quoted || item.statement[end] != ' '); ++end)
        if (item.statement[end] == '"') quoted = !quoted;
    return item.statement.substr(begin, end - begin);
}

/// A constraint of the item's name is there already.
bool present(pg::Session &target, const schema::Item &item) {
    return target
        .value(
            "SELECT 1 FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN "
            "pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE pg_catalog.concat(n.nspname, '.', t.relname) = "
            "$1 AND c.conname = (pg_catalog.parse_ident($2))[1]",
            {item.table.value_or(""), constraint_in(item)})
        .has_value();
}

void create_foreign_key(const TaskConfig &parent, const sql::Fence &fence, const schema::Item &item) {
    if (target::is_mysql(parent)) {
        auto target = schema::mysql::open_target(parent, "schema");
        fence.around(target, [] {});
        if (target.value(schema::mysql::presence_query(item)) == "0") target.execute(item.statement);
        fence.around(target, [&] { schema::mark_done(target, parent.name, {item}); });
        return;
    }
    auto target = schema::open_target(parent, "schema");
    target.execute("SET lock_timeout = '5s'");
    // Rows are looked at without a lock that would stand in the stream's way, where the server can do that.
    auto statement = item.statement;
    const bool plain = target
                           .value("SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                                  "c.relnamespace WHERE n.nspname || '.' || c.relname = $1 AND c.relkind = 'r'",
                                  {item.table.value_or("")})
                           .has_value();
    const bool later = plain && statement.find(" NOT VALID") == std::string::npos && statement.ends_with(";");
    if (later) statement.insert(statement.size() - 1, " NOT VALID");
    fence.around(target, [&] {
        if (!present(target, item)) target.execute(statement);
        if (!later) schema::mark_done(target, parent.name, {item});
    });
    if (!later) return;
    const auto begin = item.statement.find(" ADD CONSTRAINT ");
    fence.around(target, [&] {
        target.execute(item.statement.substr(0, begin) + " VALIDATE CONSTRAINT " + constraint_in(item));
        schema::mark_done(target, parent.name, {item});
    });
}

} // namespace

std::optional<HandOver> hand_over(const TaskConfig &parent, const TaskConfig &sync, int command, sql::Session &control,
                                  const target::Progress &progress) {
    HandOver result;
    const auto before = with_stored_objects(parent, control);
    struct NotYet {};
    try {
        sql::Fence(parent.name, progress.epoch).around(control, [&] {
            const auto position = fence_off(control, sync.name);
            if (!position || *position < progress.position) throw NotYet{};
            result.position = *position;
            // Read when nothing of the sync task can be committed any more: what it has seen is among them.
            pg::Session source(parent.source.endpoint, {parent.application_name("catalog"), false, {}});
            const auto tables = source::read_tables(source, source::Unlogged::bring);
            source::learn_partitions(parent.names, tables);
            take_tables(parent, sync, control, tables, *position);
            take_records(parent, sync, control);
            if (move_object_changes(control, parent.name, command, ObjectChange::State::done, {}, *position, {},
                                    ObjectChange::State::syncing) == 0)
                throw NotYet{}; // given up meanwhile
            const auto after = with_stored_objects(parent, control);
            result.load = request_unknown(before, after, sync, control, tables);
            if (sync.schema_stage)
                schema::append_items(control, parent.name,
                                     target::is_mysql(parent) ? mysql_foreign_keys_between(before, sync)
                                                              : foreign_keys_between(before, sync, tables));
            if (result.load) store_phase(control, parent.name, Phase::load);
            store_phase(control, sync.name, Phase::done);
            control.ask("UPDATE walbridge.task SET state = 'completed', error = NULL WHERE task = $1", {sync.name});
        });
    } catch (const NotYet &) {
        return std::nullopt;
    }
    return result;
}

bool create_waiting_foreign_keys(const TaskConfig &parent, sql::Session &target, std::uint64_t epoch) {
    auto items = schema::load_items(target, parent.name, true);
    std::erase_if(items, [](const schema::Item &item) { return item.type != "FK CONSTRAINT"; });
    if (items.empty()) return true;
    const auto position = target.ask_value("SELECT position FROM walbridge.progress WHERE task = $1", {parent.name});
    const auto here = parse_lsn(position.value_or("")).value_or(Lsn{});
    const auto rows = target.ask("SELECT DISTINCT sync_lsn FROM walbridge.table_sync WHERE task = $1 AND sync_lsn IS "
                                 "NOT NULL",
                                 {parent.name});
    for (int row = 0; row < rows.rows(); ++row)
        if (parse_lsn(rows.text(row, 0)).value_or(Lsn{}) > here) return false;
    const sql::Fence fence(parent.name, epoch);
    for (const auto &item : items) {
        try {
            create_foreign_key(parent, fence, item);
            log::info("created a foreign key between tables that were brought at different times",
                      {{"constraint", item.name}});
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::stop) throw;
            log::warning("a foreign key between tables that were brought at different times cannot be created",
                         {{"constraint", item.name},
                          {"reason", error.reason()},
                          {"remedy", "Run on the target: " + item.statement}});
            const auto note = error_json(Error(ErrorKind::schema_stage, item.name,
                                               "the foreign key cannot be created: " + error.reason(),
                                               "Run on the target: " + item.statement));
            fence.around(target, [&] {
                target.ask(
                    {"UPDATE walbridge.object_change SET error = $2::jsonb WHERE task = $1 AND state = 'done' "
                     "AND number = (SELECT max(number) FROM walbridge.object_change o WHERE o.task = $1 AND "
                     "o.state = 'done' AND o.action = 'add')",
                     "UPDATE walbridge.object_change SET error = $2 WHERE task = $1 AND state = 'done' AND action "
                     "= 'add' ORDER BY number DESC LIMIT 1"},
                    {parent.name, note});
                target.ask("DELETE FROM walbridge.schema_item WHERE task = $1 AND item = " +
                               std::to_string(item.number),
                           {parent.name});
            });
        }
    }
    return true;
}

} // namespace walbridge::task
