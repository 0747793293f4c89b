// table_statistics.cpp: see table_statistics.hpp.
#include "copy/table_statistics.hpp"

#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace walbridge::copy {
namespace {

/// Tables of one statement: each is a lock until its end.
constexpr std::size_t batch = 200;

std::vector<QualifiedName> holding_rows(pg::Session &target, const std::vector<QualifiedName> &relations) {
    std::vector<QualifiedName> found;
    for (std::size_t from = 0; from < relations.size(); from += batch) {
        std::string sql;
        for (auto at = from; at < std::min(from + batch, relations.size()); ++at)
            sql += fmt::format("{}SELECT {} WHERE EXISTS (SELECT FROM {})", sql.empty() ? "" : " UNION ALL ", at,
                               dialect::postgres::quote(relations[at]));
        const auto rows = target.execute(sql);
        for (int row = 0; row < rows.rows(); ++row)
            found.push_back(relations.at(static_cast<std::size_t>(rows.number(row, 0))));
    }
    return found;
}

} // namespace

std::vector<QualifiedName> without_statistics(pg::Session &target, const std::vector<QualifiedName> &relations) {
    const std::set<QualifiedName> asked(relations.begin(), relations.end());
    // The server's counters forget with a crash or a promotion, the catalog shows only what the role may read: either
    // proves that somebody analyzed. Columns without a statistics target never have any.
    const auto rows = target.query(
        "SELECT n.nspname, c.relname, pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT "
        "pg_catalog.row_security_active(c.oid), c.reltuples > 0 FROM pg_catalog.pg_class c JOIN "
        "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND "
        "pg_catalog.pg_stat_get_last_analyze_time(c.oid) IS NULL AND "
        "pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid) IS NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_stats s "
        "WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.inherited = (c.relkind = 'p')) AND EXISTS "
        "(SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND "
        "coalesce(a.attstattarget, -1) <> 0) ORDER BY 1, 2");
    std::vector<QualifiedName> unknown, without;
    for (int row = 0; row < rows.rows(); ++row) {
        QualifiedName name{rows.text(row, 0), rows.text(row, 1)};
        if (!asked.contains(name)) continue;
        if (rows.flag(row, 2))
            unknown.push_back(std::move(name));
        else if (rows.flag(row, 3)) // its rows cannot be asked for
            without.push_back(std::move(name));
    }
    const auto filled = holding_rows(target, unknown);
    without.insert(without.end(), filled.begin(), filled.end());
    std::sort(without.begin(), without.end());
    return without;
}

std::vector<QualifiedName> tables_without_statistics(pg::Session &source, pg::Session &target,
                                                     const TaskConfig &config) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    std::vector<QualifiedName> relations;
    for (const auto &table : source::read_tables(source))
        if (selection.matches(table.name.schema, table.name.name)) relations.push_back(config.names.table(table.name));
    return without_statistics(target, relations);
}

} // namespace walbridge::copy
