// extension_rows.cpp: pg_extension.extconfig and extcondition to INSERT statements, written by the source's server.
#include "schema/extension_rows.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>
#include <set>

namespace walbridge::schema {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

const std::set<std::string> jobs{"pg_cron", "pgagent"};

void left_behind(const QualifiedName &table, const std::string &reason) {
    log::warning("rows of an extension's configuration are left behind",
                 {{"table", to_string(table)}, {"reason", reason}});
}

/// INSERT with the rows as literals; nullopt when there are none.
std::optional<std::string> insert_statement(pg::Session &source, const std::string &oid, const QualifiedName &table,
                                            const std::string &condition, const QualifiedName &there) {
    const auto columns = source.query("SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid AND attnum "
                                      "> 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
                                      {oid});
    std::string list, values;
    for (int row = 0; row < columns.rows(); ++row) {
        const auto name = quote_identifier(columns.get(row, 0));
        list += (row > 0 ? ", " : "") + name;
        values += fmt::format("{}pg_catalog.quote_nullable(t.{}::text)", row > 0 ? ", ', ', " : "", name);
    }
    if (list.empty()) return std::nullopt;
    const auto from = fmt::format("FROM (SELECT * FROM ONLY {} {}) t", quote(table), condition);
    const auto bytes = source.query("SELECT coalesce(sum(pg_catalog.length(t::text)), 0) " + from).number(0, 0);
    if (bytes > static_cast<long long>(most_extension_row_bytes)) {
        left_behind(table, fmt::format("they are {} bytes, which is no configuration any more", bytes));
        return std::nullopt;
    }
    const auto rows = source.value(
        fmt::format("SELECT pg_catalog.string_agg(pg_catalog.concat('(', {}, ')'), E',\\n') {}", values, from));
    if (!rows) return std::nullopt;
    return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES\n{}\nON CONFLICT DO NOTHING", quote(there),
                       list, *rows);
}

std::string setval_statement(pg::Session &source, const QualifiedName &sequence, const QualifiedName &there) {
    const auto row = source.query(fmt::format("SELECT last_value, is_called FROM {}", quote(sequence)));
    return fmt::format("SELECT pg_catalog.setval({}, {}, {})", quote_literal(quote(there)), row.get(0, 0),
                       row.flag(0, 1) ? "true" : "false");
}

} // namespace

void add_extension_rows(pg::Session &source, const source::ObjectGraph &graph, const Closure &closure,
                        const NameMap &names, std::vector<Item> &items) {
    const auto rows = source.query(
        "SELECT e.oid, e.extname, k.oid, n.nspname, c.relname, c.relkind, coalesce(k.condition, ''), "
        "pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM "
        "pg_catalog.pg_extension e, unnest(e.extconfig, e.extcondition) WITH ORDINALITY k (oid, condition, place) "
        "JOIN pg_catalog.pg_class c ON c.oid = k.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "ORDER BY e.extname, k.place");
    for (int row = 0; row < rows.rows(); ++row) {
        const source::ObjectId extension{source::catalog_class::extension,
                                         static_cast<std::uint32_t>(rows.number(row, 0))};
        const auto called = rows.text(row, 1);
        if (graph.find(extension) == nullptr || !closure.objects.contains(extension) || called == "walbridge") continue;
        const QualifiedName table{rows.text(row, 3), rows.text(row, 4)};
        if (jobs.contains(called)) {
            left_behind(table, fmt::format("jobs of {} would begin to run on the target", called));
            continue;
        }
        if (!rows.flag(row, 7)) {
            left_behind(table, "the role may not read them");
            continue;
        }
        const auto there = names.table(table);
        const auto statement = rows.get(row, 5) == "S"
                                   ? std::optional(setval_statement(source, table, there))
                                   : insert_statement(source, rows.text(row, 2), table, rows.text(row, 6), there);
        if (!statement) continue;
        Item item;
        item.number = static_cast<int>(items.size()) + 1;
        item.section = Section::after_data;
        item.type = "EXTENSION DATA";
        item.name = to_string(there);
        item.statement = *statement;
        items.push_back(std::move(item));
    }
}

} // namespace walbridge::schema
