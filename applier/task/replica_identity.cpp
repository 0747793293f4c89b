// replica_identity.cpp: setting and remembering replica identities.
#include "task/replica_identity.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

std::string restoring(const source::Table &table) {
    const auto name = dialect::postgres::quote(table.name);
    if (table.replica_identity == 'n') return fmt::format("ALTER TABLE {} REPLICA IDENTITY NOTHING", name);
    if (table.replica_identity == 'i')
        for (const auto &index : table.indexes)
            if (index.replica_identity)
                return fmt::format("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", name,
                                   dialect::postgres::quote_identifier(index.name));
    return fmt::format("ALTER TABLE {} REPLICA IDENTITY DEFAULT", name);
}

void set_full(const TaskConfig &config, pg::Session &source, sql::Session &target, const source::Table &table) {
    target.ask(
        {"INSERT INTO walbridge.replica_identity (task, schema_name, table_name, statement) VALUES ($1, $2, $3, $4) "
         "ON CONFLICT (task, schema_name, table_name) DO NOTHING",
         "INSERT INTO walbridge.replica_identity (task, schema_name, table_name, statement) VALUES ($1, $2, $3, $4) "
         "ON DUPLICATE KEY UPDATE task = task"},
        {config.name, table.name.schema, table.name.name, restoring(table)});
    source.execute(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", dialect::postgres::quote(table.name)));
    log::info("set REPLICA IDENTITY FULL", {{"table", to_string(table.name)}});
}

} // namespace

bool identifiable(const source::Table &table) {
    // The rows of a partitioned table live in its partitions, and their identities count.
    return table.kind == 'p' || table.replica_identity == 'f' || source::identity_index(table) != nullptr;
}

std::vector<source::Table> selected_tables(const TaskConfig &config, pg::Session &source, source::Unlogged unlogged) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    auto tables = source::read_tables(source, unlogged);
    std::erase_if(tables,
                  [&](const source::Table &table) { return !selection.matches(table.name.schema, table.name.name); });
    return tables;
}

namespace {

std::vector<source::Table> tables_to_set(const TaskConfig &config, pg::Session &source) {
    if (!config.incremental_stage || config.source.replica_identity != "set") return {};
    auto tables = selected_tables(config, source);
    std::erase_if(tables, identifiable);
    return tables;
}

} // namespace

std::vector<IdentityToSet> identities_to_set(const TaskConfig &config, pg::Session &source) {
    std::vector<IdentityToSet> list;
    for (const auto &table : tables_to_set(config, source)) list.push_back({table.name, restoring(table)});
    return list;
}

void set_replica_identities(const TaskConfig &config, pg::Session &source, sql::Session &target) {
    source.execute("SET lock_timeout = '3s'");
    for (const auto &table : tables_to_set(config, source)) set_full(config, source, target, table);
    source.execute("SET lock_timeout = 0");
}

namespace {

void see_to_identity(const TaskConfig &config, pg::Session &source, sql::Session &target, const QualifiedName &name) {
    const auto all = source::read_tables(source); // with their indexes
    const auto table = std::ranges::find(all, name, &source::Table::name);
    if (table == all.end() || identifiable(*table)) return;
    const auto statement = fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", dialect::postgres::quote(table->name));
    if (config.source.replica_identity != "set") {
        log::warning("a new table has no replica identity: its first UPDATE or DELETE will stop the task",
                     {{"table", to_string(name)}, {"remedy", "Run on the source: " + statement}});
        return;
    }
    try {
        set_full(config, source, target, *table);
    } catch (const SqlError &error) {
        log::warning(
            "a new table could not be given a replica identity",
            {{"table", to_string(name)}, {"reason", error.reason()}, {"remedy", "Run on the source: " + statement}});
    }
}

} // namespace

void see_to_identities(const TaskConfig &config, sql::Session &target,
                       const std::vector<QualifiedName> &tables) noexcept {
    if (tables.empty()) return;
    try {
        pg::Session source(config.source.endpoint, {.application_name = config.application_name("identity"),
                                                    .replication = false,
                                                    .settings = {{"lock_timeout", "3s"}}});
        for (const auto &table : tables) see_to_identity(config, source, target, table);
    } catch (const std::exception &error) {
        log::warning("replica identities of new tables could not be looked at", {{"reason", error.what()}});
    }
}

std::vector<std::string> restoring_statements(const std::string &task, sql::Session &target) {
    const auto rows = target.ask(
        "SELECT statement FROM walbridge.replica_identity WHERE task = $1 ORDER BY schema_name, table_name", {task});
    std::vector<std::string> statements;
    for (int row = 0; row < rows.rows(); ++row) statements.push_back(rows.text(row, 0));
    return statements;
}

std::optional<std::string> hand_over_identities(const std::string &task, sql::Session &target) {
    const auto heir = target.ask_value(
        "SELECT other.task FROM walbridge.task mine JOIN walbridge.task other ON other.source_system = "
        "mine.source_system AND other.source_database_oid = mine.source_database_oid WHERE mine.task = $1 AND "
        "other.task <> mine.task AND other.phase IS NOT NULL AND other.state NOT IN ('switched-over', 'completed', "
        "'released') AND EXISTS (SELECT 1 FROM walbridge.replica_identity r WHERE r.task = mine.task) ORDER BY 1 "
        "LIMIT 1",
        {task});
    if (!heir) return std::nullopt;
    target.ask({"INSERT INTO walbridge.replica_identity (task, schema_name, table_name, statement) SELECT $2, "
                "schema_name, table_name, statement FROM walbridge.replica_identity WHERE task = $1 ON CONFLICT "
                "(task, schema_name, table_name) DO UPDATE SET statement = excluded.statement",
                "REPLACE INTO walbridge.replica_identity (task, schema_name, table_name, statement) SELECT $2, "
                "schema_name, table_name, statement FROM walbridge.replica_identity WHERE task = $1"},
               {task, *heir});
    target.ask("DELETE FROM walbridge.replica_identity WHERE task = $1", {task});
    return heir;
}

} // namespace walbridge::task
