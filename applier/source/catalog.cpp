// catalog.cpp: typed readers of the source's tables. Each query reads all tables at once: four queries for any number
// of tables.
#include "source/catalog.hpp"

#include "base/log.hpp"
#include "source/catalog/sql.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <unordered_map>

namespace walbridge::source {
namespace {

std::uint32_t oid(const pg::Result &result, int row, int column) {
    return static_cast<std::uint32_t>(result.number(row, column));
}

/// A "char" column: its letter, '\0' when empty.
char letter(const pg::Result &result, int row, int column) {
    const auto text = result.get(row, column);
    return text.empty() ? '\0' : text.front();
}

double real(const pg::Result &result, int row, int column) {
    return std::strtod(result.text(row, column).c_str(), nullptr);
}

/// "1 3" as {1, 3}; expression columns are 0 and kept.
std::vector<int> numbers(std::string_view text) {
    std::vector<int> list;
    const char *at = text.data(), *const end = at + text.size();
    while (at < end) {
        int number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) break;
        list.push_back(number);
        at = next < end ? next + 1 : end;
    }
    return list;
}

/// The size functions lock each table for a moment. Where somebody holds one exclusively, statistics must do.
void add_sizes(pg::Session &session, std::unordered_map<std::uint32_t, Table *> &by_oid) {
    const bool nested = session.in_transaction();
    try {
        session.execute(nested ? "SAVEPOINT walbridge_sizes; SET LOCAL lock_timeout = '2s'"
                               : "SET lock_timeout = '2s'");
        const auto sizes = session.query(sql::sizes);
        for (int row = 0; row < sizes.rows(); ++row) {
            const auto found = by_oid.find(oid(sizes, row, 0));
            if (found == by_oid.end() || sizes.null(row, 1)) continue;
            found->second->pages = static_cast<std::uint64_t>(sizes.number(row, 1));
            found->second->bytes = sizes.null(row, 2) ? 0 : static_cast<std::uint64_t>(sizes.number(row, 2));
        }
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::retry_transaction) throw;
        log::warning("a table is locked: sizes are estimated from statistics", {{"reason", error.reason()}});
    }
    session.execute(nested ? "ROLLBACK TO SAVEPOINT walbridge_sizes" : "SET lock_timeout = 0");
}

/// The rows of tables.sql; `only` is a condition on them, empty = all.
std::vector<Table> read(pg::Session &session, std::string_view only) {
    const auto limited = [&](const char *query) {
        return only.empty() ? std::string(query) : fmt::format("SELECT * FROM ({}) q WHERE {}", query, only);
    };
    std::vector<Table> tables;
    const auto rows = session.query(limited(sql::tables));
    tables.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) {
        Table table;
        table.oid = oid(rows, row, 0);
        table.name = {rows.text(row, 1), rows.text(row, 2)};
        table.kind = letter(rows, row, 3);
        table.replica_identity = letter(rows, row, 4);
        table.filenode = oid(rows, row, 5);
        table.parent_oid = oid(rows, row, 6);
        table.inherits = table.parent_oid != 0 && !rows.flag(row, 7);
        table.row_security = rows.flag(row, 8);
        table.estimated_rows = real(rows, row, 9);
        table.pages = static_cast<std::uint64_t>(rows.number(row, 10));
        table.bytes = table.pages * 8192;
        table.unlogged = rows.flag(row, 11);
        tables.push_back(std::move(table));
    }
    return tables;
}

void add_columns(pg::Session &session, std::unordered_map<std::uint32_t, Table *> &by_oid, const std::string &query) {
    const auto rows = session.query(query);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = by_oid.find(oid(rows, row, 0));
        if (found == by_oid.end()) continue;
        Column column;
        column.number = static_cast<int>(rows.number(row, 1));
        column.name = rows.text(row, 2);
        column.type_oid = oid(rows, row, 3);
        column.type = rows.text(row, 4);
        column.type_kind = letter(rows, row, 5);
        column.element_oid = oid(rows, row, 6);
        column.not_null = rows.flag(row, 7);
        column.identity = letter(rows, row, 8);
        column.generated = letter(rows, row, 9);
        if (!rows.null(row, 10)) column.collation = rows.text(row, 10);
        found->second->columns.push_back(std::move(column));
    }
}

void add_indexes(pg::Session &session, std::unordered_map<std::uint32_t, Table *> &by_oid, const std::string &query) {
    const auto rows = session.query(query);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = by_oid.find(oid(rows, row, 0));
        if (found == by_oid.end()) continue;
        found->second->indexes.push_back({rows.text(row, 1), rows.flag(row, 2), rows.flag(row, 3), rows.flag(row, 4),
                                          rows.flag(row, 5), rows.flag(row, 6), rows.flag(row, 7), rows.flag(row, 8),
                                          numbers(rows.get(row, 9))});
    }
}

std::unordered_map<std::uint32_t, Table *> index_by_oid(std::vector<Table> &tables) {
    std::unordered_map<std::uint32_t, Table *> by_oid;
    for (auto &table : tables) by_oid.emplace(table.oid, &table);
    return by_oid;
}

} // namespace

const Column *Table::column(int number) const {
    const auto found =
        std::find_if(columns.begin(), columns.end(), [&](const Column &c) { return c.number == number; });
    return found == columns.end() ? nullptr : &*found;
}

std::vector<Table> read_tables(pg::Session &session, Unlogged unlogged) {
    auto tables = read(session, {});
    if (unlogged == Unlogged::leave_out) std::erase_if(tables, [](const Table &table) { return table.unlogged; });
    auto by_oid = index_by_oid(tables);
    add_columns(session, by_oid, sql::columns);
    add_indexes(session, by_oid, sql::indexes);
    add_sizes(session, by_oid);
    return tables;
}

std::optional<Table> read_table(pg::Session &session, std::uint32_t oid) {
    auto tables = read_tables(session, std::vector{oid});
    if (tables.empty()) return std::nullopt;
    return std::move(tables.front());
}

std::vector<Table> read_tables(pg::Session &session, const std::vector<std::uint32_t> &oids) {
    const auto any = fmt::format("= ANY ('{{{}}}'::oid[])", fmt::join(oids, ","));
    auto tables = read(session, "q.oid " + any);
    if (tables.empty()) return tables;
    auto by_oid = index_by_oid(tables);
    add_columns(session, by_oid, fmt::format("SELECT * FROM ({}) q WHERE q.attrelid {}", sql::columns, any));
    return tables;
}

void read_defaults(pg::Session &session, Table &table) {
    const auto rows = session.query(fmt::format("SELECT * FROM ({}) q WHERE q.adrelid = {}", sql::defaults, table.oid));
    for (int row = 0; row < rows.rows(); ++row)
        for (auto &column : table.columns)
            if (column.number == rows.number(row, 1) && !rows.null(row, 2)) column.default_sql = rows.text(row, 2);
}

const Index *identity_index(const Table &table) {
    for (const auto &index : table.indexes) {
        if (!index.unique || !index.immediate || !index.valid) continue;
        if (table.replica_identity == 'd' && index.primary) return &index;
        if (table.replica_identity == 'i' && index.replica_identity) return &index;
    }
    return nullptr;
}

std::string fingerprint(const Table &table) {
    std::uint64_t hash = 14695981039346656037u; // FNV-1a
    const auto mix = [&](std::string_view text) {
        for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
        hash = (hash ^ 0xFFu) * 1099511628211u;
    };
    for (const auto &column : table.columns) {
        mix(std::to_string(column.number));
        mix(column.name);
        mix(std::to_string(column.type_oid));
        mix(column.type);
        mix(std::string{column.identity, column.generated});
    }
    return fmt::format("{}:{:016x}", table.filenode, hash);
}

std::set<std::uint32_t> changed_since(pg::Session &now, const std::map<std::uint32_t, Table> &then,
                                      const std::set<std::uint32_t> &oids) {
    auto changed = oids;
    for (const auto &table : read_tables(now, std::vector(oids.begin(), oids.end()))) {
        const auto &old = then.at(table.oid);
        if (table.name == old.name && table.kind == old.kind && fingerprint(table) == fingerprint(old))
            changed.erase(table.oid);
    }
    return changed;
}

} // namespace walbridge::source
