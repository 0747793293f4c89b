// database.cpp: SQL around a case.
#include "database.hpp"

#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::differential {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

const char *const template_name = "differential_template";

pg::Session connect(const std::string &url) { return {pg::Endpoint{"target", url, {}}, {"differential", false, {}}}; }

std::string value_sql(const TableSpec &table, const SourceRow &row, std::size_t column) {
    const auto &spec = table.columns[column];
    const auto text = text_of(table, row, column);
    if (!text) return "NULL";
    auto sql = quote_literal(*text) + "::" + spec.type->sql;
    if (spec.target_type.starts_with(spec.type->sql)) return sql;
    return sql + "::pg_catalog.text::" + spec.target_type;
}

std::string insert_sql(const TableSpec &table, const SourceRow &row) {
    std::string columns, values;
    const auto add = [&](const std::string &column, const std::string &value) {
        columns += (columns.empty() ? "" : ", ") + quote_identifier(column);
        values += (values.empty() ? "" : ", ") + value;
    };
    if (table.extra_column) add("own", quote_literal(row.own));
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const auto &spec = table.columns[column];
        if (spec.on_target && !(spec.doubled && spec.generated_there)) add(spec.name, value_sql(table, row, column));
    }
    return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({});", table.quoted(), columns, values);
}

std::vector<std::string> sequences_of(const TableSpec &table) {
    std::vector<std::string> sequences;
    for (const auto &column : table.columns)
        if (column.identity != 0)
            sequences.push_back(fmt::format("pg_catalog.pg_get_serial_sequence({}, {})::regclass",
                                            quote_literal(table.quoted()), quote_literal(column.name)));
    return sequences;
}

} // namespace

void Database::prepare(const std::string &server_url, const std::string &state_sql) {
    auto server = connect(server_url);
    server.execute(fmt::format("DROP DATABASE IF EXISTS {}", template_name));
    server.execute(fmt::format("CREATE DATABASE {} TEMPLATE template0", template_name));
    auto session = connect(pg::with_database(server_url, template_name));
    session.execute(state_sql);
    session.execute(Types::setup_sql());
}

Database::Database(const std::string &server_url, const std::string &name)
    : server_url_(server_url), name_(name), url_(pg::with_database(server_url, name)) {
    auto server = connect(server_url);
    server.execute("DROP DATABASE IF EXISTS " + quote_identifier(name) + " WITH (FORCE)");
    server.execute(fmt::format("CREATE DATABASE {} TEMPLATE {}", quote_identifier(name), template_name));
    session_ = std::make_unique<pg::Session>(connect(url_));
}

Database::~Database() {
    session_.reset();
    try {
        connect(server_url_).execute("DROP DATABASE " + quote_identifier(name_) + " WITH (FORCE)");
    } catch (const std::exception &) { // the server goes away with the test anyway
    }
}

void Database::put(const Schema &schema, const DatabaseRows &rows, bool guarded) {
    std::string names, inserts, sequences;
    for (std::size_t number = 0; number < schema.tables.size(); ++number) {
        const auto &table = schema.tables[number];
        names += (names.empty() ? "" : ", ") + table.quoted();
        for (const auto &row : rows[number])
            inserts += guarded ? "BEGIN " + insert_sql(table, row) +
                                     " EXCEPTION WHEN unique_violation OR exclusion_violation THEN NULL; END;"
                               : insert_sql(table, row);
        for (const auto &sequence : sequences_of(table)) sequences += "SELECT pg_catalog.setval(" + sequence + ", 50);";
    }
    if (guarded && !inserts.empty()) inserts = "DO $rows$ BEGIN " + inserts + " END $rows$;";
    session_->execute(
        fmt::format("BEGIN; SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {}; DELETE FROM walbridge.conflict; {}{}COMMIT",
                    names, inserts, sequences));
}

Result Database::read(const Schema &schema, Lsn first_lsn) {
    std::string sql;
    for (const auto &table : schema.tables)
        sql += fmt::format("SELECT COALESCE((SELECT pg_catalog.string_agg(pg_catalog.replace(t::text, E'\\n', '\\n'), "
                           "E'\\n' ORDER BY t::text COLLATE \"C\") FROM "
                           "{} AS t), '') UNION ALL ",
                           table.quoted());
    std::string sequences = "''";
    for (const auto &table : schema.tables)
        for (const auto &sequence : sequences_of(table))
            sequences +=
                fmt::format(" || COALESCE(pg_catalog.pg_sequence_last_value({})::text, 'none') || ' '", sequence);
    sql += "SELECT " + sequences + " UNION ALL ";
    sql += "SELECT COALESCE((SELECT pg_catalog.string_agg(ROW(kind, policy, outcome, schema_name, table_name, "
           "commit_lsn, change, commit_time, constraint_name, key, source_row, target_row)::text, E'\\n' ORDER BY id) "
           "FROM walbridge.conflict), '') UNION ALL ";
    sql += fmt::format("SELECT COALESCE((SELECT ROW(position, counter, commit_time)::text FROM walbridge.progress "
                       "WHERE position >= '{}'), 'none')",
                       to_string(first_lsn));
    const auto rows = session_->query(sql);
    Result result;
    int row = 0;
    for (std::size_t number = 0; number < schema.tables.size(); ++number) result.tables.push_back(rows.text(row++, 0));
    result.sequences = rows.text(row++, 0);
    result.conflicts = rows.text(row++, 0);
    result.progress = rows.text(row++, 0);
    return result;
}

std::vector<std::string> Database::conflict_kinds() {
    const auto rows = session_->query("SELECT DISTINCT kind || ', ' || outcome FROM walbridge.conflict");
    std::vector<std::string> kinds;
    for (int row = 0; row < rows.rows(); ++row) kinds.push_back(rows.text(row, 0));
    return kinds;
}

} // namespace walbridge::differential
