// admission.cpp: pg_dump of the tables, reduced to what is missing.
#include "copy/admission.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "schema/item_store.hpp"
#include "schema/plan.hpp"
#include "schema/target_session.hpp"

#include <map>
#include <set>
#include <vector>

namespace walbridge::copy {
namespace {

using dialect::postgres::quote;

/// Asked for (walbridge.table_sync with an empty fingerprint), and not being created already.
std::vector<QualifiedName> waiting(const TaskConfig &config, pg::Session &target) {
    const auto rows = target.query("SELECT DISTINCT s.schema_name, s.table_name FROM walbridge.table_sync s WHERE "
                                   "s.task = $1 AND s.fingerprint = '' "
                                   "AND NOT s.done",
                                   {config.name});
    if (rows.rows() == 0) return {};
    std::set<std::string> under_way; // by their names on the target
    for (const auto &item : schema::load_items(target, config.name, true))
        if (item.type == "TABLE") under_way.insert(item.name);
    std::vector<QualifiedName> tables;
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName table{rows.text(row, 0), rows.text(row, 1)};
        if (!under_way.contains(to_string(config.names.table(table)))) tables.push_back(table);
    }
    return tables;
}

/// Whether the target has what the item creates. Items that only add to an object may run again.
bool exists(pg::Session &target, const schema::Item &item) {
    static const std::map<std::string, std::string> lookups{
        {"SCHEMA", "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1"},
        {"EXTENSION", "SELECT FROM pg_catalog.pg_extension WHERE extname = $1"},
        {"TABLE",
         "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname "
         "|| '.' || c.relname = $1"},
        {"TYPE",
         "SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname "
         "|| '.' || t.typname = $1"},
        {"COLLATION",
         "SELECT FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace WHERE "
         "n.nspname || '.' || c.collname = $1"},
        {"FUNCTION",
         "SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname "
         "|| '.' || p.proname || '(' || pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.format_type(a, NULL) FROM "
         "pg_catalog.unnest(p.proargtypes) a), ', ') || ')' = $1"}};
    const auto kind = item.type == "SEQUENCE"                                ? "TABLE"
                      : item.type == "DOMAIN" || item.type == "SHELL TYPE"   ? "TYPE"
                      : item.type == "PROCEDURE" || item.type == "AGGREGATE" ? "FUNCTION"
                                                                             : item.type;
    const auto lookup = lookups.find(kind);
    return lookup != lookups.end() && target.query(lookup->second, {item.name}).rows() > 0;
}

} // namespace

void admit_tables(const TaskConfig &config, const sql::Fence &fence, const StopToken &stop) {
    if (!config.schema_stage) return;
    auto target = schema::open_target(config, "copy");
    const auto tables = waiting(config, target);
    if (tables.empty()) return;

    auto only = config;
    only.objects.include.clear();
    only.objects.exclude.clear();
    for (const auto &table : tables) only.objects.include.push_back(quote(table));
    pg::Session source(config.source.endpoint, {config.application_name("plan"), false, {}});
    source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto snapshot = source.value("SELECT pg_catalog.pg_export_snapshot()").value();
    auto items = schema::plan_schema(only, source, snapshot, stop);
    std::erase_if(items, [&](const schema::Item &item) {
        return item.section != schema::Section::before_data || exists(target, item);
    });
    fence.around(target, [&] { schema::append_items(target, config.name, std::move(items)); });
    for (const auto &table : tables)
        log::info("the table's definition is taken from the source", {{"table", to_string(table)}});
}

} // namespace walbridge::copy
