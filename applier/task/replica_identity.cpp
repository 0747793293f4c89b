// replica_identity.cpp: setting and remembering replica identities.
#include "task/replica_identity.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "wire/object_selection.hpp"

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

} // namespace

bool identifiable(const source::Table &table) {
    // The rows of a partitioned table live in its partitions, and their identities count.
    return table.kind == 'p' || table.replica_identity == 'f' || source::identity_index(table) != nullptr;
}

std::vector<source::Table> selected_tables(const TaskConfig &config, pg::Session &source) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    auto tables = source::read_tables(source);
    std::erase_if(tables,
                  [&](const source::Table &table) { return !selection.matches(table.name.schema, table.name.name); });
    return tables;
}

void set_replica_identities(const TaskConfig &config, pg::Session &source, pg::Session &target) {
    if (!config.incremental_stage) return;
    source.execute("SET lock_timeout = '3s'");
    for (const auto &table : selected_tables(config, source)) {
        if (identifiable(table)) continue;
        target.query(
            "INSERT INTO walbridge.replica_identity (task, schema_name, table_name, statement) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (task, schema_name, table_name) DO NOTHING",
            {config.name, table.name.schema, table.name.name, restoring(table)});
        source.execute(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", dialect::postgres::quote(table.name)));
        log::info("set REPLICA IDENTITY FULL", {{"table", to_string(table.name)}});
    }
    source.execute("SET lock_timeout = 0");
}

std::vector<std::string> restoring_statements(const std::string &task, pg::Session &target) {
    const auto rows = target.query(
        "SELECT statement FROM walbridge.replica_identity WHERE task = $1 ORDER BY schema_name, table_name", {task});
    std::vector<std::string> statements;
    for (int row = 0; row < rows.rows(); ++row) statements.push_back(rows.text(row, 0));
    return statements;
}

} // namespace walbridge::task
