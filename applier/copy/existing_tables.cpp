// existing_tables.cpp: see existing_tables.hpp.
#include "copy/existing_tables.hpp"

#include "base/log.hpp"
#include "config/existing_tables.hpp"
#include "copy/chunk_planner.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "schema/mysql/target_session.hpp"
#include "schema/target_session.hpp"
#include "target/kind.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace walbridge::copy {
namespace {

/// The selected tables' names on the target, partitioned ones included: a plan creates them as well.
std::set<QualifiedName> wanted_names(const TaskConfig &config, pg::Session &source) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    std::set<QualifiedName> names;
    for (const auto &table : source::read_tables(source, source::Unlogged::bring))
        if (selection.matches(table.name.schema, table.name.name)) names.insert(config.names.table(table.name));
    return names;
}

/// Rows of table schema, table name, index, column, in the order of the indexes.
template <class Rows> void take_keys(std::map<QualifiedName, FoundTable> &found, const Rows &rows) {
    std::string last;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto there = found.find({rows.text(row, 0), rows.text(row, 1)});
        if (there == found.end()) continue;
        const auto index = fmt::format("{}.{}.{}", rows.get(row, 0), rows.get(row, 1), rows.get(row, 2));
        if (index != last) there->second.keys.emplace_back();
        last = index;
        there->second.keys.back().push_back(rows.text(row, 3));
    }
}

using Found = std::map<QualifiedName, FoundTable>;

Found in_postgres(const TaskConfig &config, const std::set<QualifiedName> &wanted) {
    auto session = schema::open_target(config, "plan");
    const auto rows =
        session.query("SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN "
                      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')");
    Found found;
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName name{rows.text(row, 0), rows.text(row, 1)};
        if (!wanted.contains(name)) continue;
        const bool filled =
            session
                .query(fmt::format("SELECT EXISTS (SELECT FROM {}{})", rows.get(row, 2) == "p" ? "" : "ONLY ",
                                   dialect::postgres::quote(name)))
                .flag(0, 0);
        found.emplace(name, FoundTable{filled ? Existing::rows : Existing::empty, {}});
    }
    const auto keys = session.query(
        "SELECT n.nspname, c.relname, i.indexrelid, coalesce(a.attname, '') FROM pg_catalog.pg_index i JOIN "
        "pg_catalog.pg_class c ON c.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS "
        "JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) k (place) LEFT JOIN pg_catalog.pg_attribute a "
        "ON "
        "a.attrelid = i.indrelid AND a.attnum = i.indkey[k.place] AND a.attnum > 0 WHERE (i.indisunique OR "
        "i.indisexclusion) AND c.relkind IN ('r', 'p') ORDER BY i.indexrelid, k.place");
    take_keys(found, keys);
    return found;
}

Found in_mysql(const TaskConfig &config, const std::set<QualifiedName> &wanted) {
    auto session = schema::mysql::open_target(config, "plan");
    const auto rows = session.query("SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = "
                                    "'BASE TABLE'");
    Found found;
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName name{rows.text(row, 0), rows.text(row, 1)};
        if (!wanted.contains(name)) continue;
        const bool filled =
            session.query(fmt::format("SELECT 1 FROM {} LIMIT 1", dialect::mysql::quote(name))).rows() != 0;
        found.emplace(name, FoundTable{filled ? Existing::rows : Existing::empty, {}});
    }
    take_keys(found, session.query("SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, CASE WHEN SUB_PART IS NULL THEN "
                                   "coalesce(COLUMN_NAME, '') ELSE '' END FROM information_schema.STATISTICS WHERE "
                                   "NON_UNIQUE = 0 ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"));
    return found;
}

} // namespace

bool may_be_cut(const source::Table &table, const FoundTable &there, const NameMap &names) {
    const auto *column = chunk_key(table);
    if (column == nullptr) return false;
    const std::vector<std::string> wanted{names.column(table.name, column->name)};
    return std::ranges::all_of(there.keys, [&](const auto &key) { return key == wanted; });
}

Found find_existing(const TaskConfig &config, pg::Session &source) {
    if (!proceeds_with_existing(config)) return {};
    const auto wanted = wanted_names(config, source);
    auto found = target::is_mysql(config) ? in_mysql(config, wanted) : in_postgres(config, wanted);
    for (const auto &[name, what] : found)
        log::info("the target has the table already", {{"table", to_string(name)},
                                                       {"holds_rows", what.existing == Existing::rows},
                                                       {"existing_rows", config.objects.existing_rows}});
    return found;
}

void leave_definitions(sql::Session &target, const std::string &task, const std::vector<QualifiedName> &existing) {
    long long left = 0;
    for (const auto &name : existing) {
        const auto table = to_string(name);
        // A table that an earlier life of the task created is the task's own, with all that belongs to it.
        if (!target.ask_value("SELECT 1 FROM walbridge.schema_item WHERE task = $1 AND object_type = 'TABLE' AND "
                              "table_name = $2 AND NOT done",
                              {task, table}))
            continue;
        left += target
                    .ask("DELETE FROM walbridge.schema_item WHERE task = $1 AND table_name = $2 AND NOT done",
                         {task, table})
                    .affected();
    }
    if (left > 0)
        log::info("tables of the target are left as they are: missing indexes and constraints are not added",
                  {{"tables", existing.size()}, {"objects_left_out", left}});
}

} // namespace walbridge::copy
