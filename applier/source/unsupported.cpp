// unsupported.cpp: reads unsupported.sql.
#include "source/unsupported.hpp"

#include "source/catalog/sql.hpp"

#include <algorithm>

namespace walbridge::source {

namespace {

/// TimescaleDB's own list, where there is one: newer versions leave no trigger on the table.
void add_hypertables(pg::Session &session, std::vector<Unsupported> &found) {
    const auto readable = session.value(
        "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = '_timescaledb_catalog' AND c.relname = 'hypertable' AND "
        "pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')");
    if (!readable) return;
    const auto rows =
        session.query("SELECT schema_name::text, table_name::text FROM _timescaledb_catalog.hypertable ORDER BY 1, 2");
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName table{rows.text(row, 0), rows.text(row, 1)};
        if (std::ranges::none_of(
                found, [&](const Unsupported &one) { return one.kind == "hypertable" && one.object == table; }))
            found.push_back({table,
                             "hypertable",
                             "the table is a TimescaleDB hypertable, whose rows live in chunks of the extension",
                             "Leave it out with objects.exclude.",
                             {}});
    }
}

} // namespace

std::vector<Unsupported> read_unsupported(pg::Session &session) {
    const auto rows = session.query(sql::unsupported);
    std::vector<Unsupported> found;
    for (int row = 0; row < rows.rows(); ++row)
        found.push_back({{rows.text(row, 0), rows.text(row, 1)},
                         rows.text(row, 2),
                         rows.text(row, 3),
                         rows.text(row, 4),
                         {rows.text(row, 5), rows.text(row, 6)}});
    add_hypertables(session, found);
    return found;
}

} // namespace walbridge::source
