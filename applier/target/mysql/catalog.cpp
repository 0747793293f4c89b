// catalog.cpp: information_schema about one target table.
#include "target/mysql/catalog.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "dialect/mysql/quote.hpp"

#include <fmt/format.h>
#include <mutex>
#include <set>
#include <unordered_map>

namespace walbridge::target::mysql {
namespace {

using my::quote_literal;

std::string where(std::string_view schema, std::string_view table, const QualifiedName &name) {
    return fmt::format("{} = {} AND {} = {}", schema, quote_literal(name.schema), table, quote_literal(name.name));
}

/// MySQL has no OIDs: tables are numbered as they are met, alike in all sessions.
std::uint32_t number_of(const QualifiedName &name) {
    static std::mutex mutex;
    static std::unordered_map<QualifiedName, std::uint32_t> numbers;
    const std::lock_guard lock(mutex);
    return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size() + 1)).first->second;
}

/// True for the first time that it is asked about a table.
bool first_word_of(const QualifiedName &name) {
    static std::mutex mutex;
    static std::set<QualifiedName> told;
    const std::lock_guard lock(mutex);
    return told.insert(name).second;
}

std::optional<int> number(const my::Result &rows, int row, int column) {
    if (rows.null(row, column)) return std::nullopt;
    return static_cast<int>(rows.number(row, column));
}

void check_kind(const my::Result &table, const QualifiedName &name) {
    const auto type = table.get(0, 0);
    if (type.find("VIEW") != std::string_view::npos)
        throw Error(ErrorKind::target_shape, "table " + to_string(name), "it is a view on the target",
                    "Replicate into its table, or leave it out with objects.exclude.");
    if (table.get(0, 1) != "InnoDB")
        throw Error(ErrorKind::target_shape, "table " + to_string(name),
                    fmt::format("its storage engine is {}, which cannot take part in transactions",
                                table.null(0, 1) ? "not known" : table.get(0, 1)),
                    fmt::format("Run on the target: ALTER TABLE {} ENGINE = InnoDB;", dialect::mysql::quote(name)));
}

void read_columns(my::Session &session, TargetTable &table) {
    const auto rows = session.query(
        "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, CHARACTER_MAXIMUM_LENGTH, "
        "NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION, IS_NULLABLE, EXTRA FROM information_schema.COLUMNS "
        "WHERE " +
        where("TABLE_SCHEMA", "TABLE_NAME", table.name) + " ORDER BY ORDINAL_POSITION");
    for (int row = 0; row < rows.rows(); ++row) {
        TargetColumn column;
        column.name = rows.text(row, 0);
        column.type_name = rows.text(row, 2);
        column.collation = rows.text(row, 4);
        column.not_null = rows.get(row, 9) == "NO";
        auto &type = column.mysql.emplace();
        type.data_type = rows.text(row, 1);
        type.column_type = rows.text(row, 2);
        type.charset = rows.text(row, 3);
        type.collation = rows.text(row, 4);
        if (!rows.null(row, 5)) type.length = static_cast<std::uint64_t>(rows.number(row, 5));
        type.precision = number(rows, row, 6);
        type.scale = number(rows, row, 7);
        type.fraction = number(rows, row, 8);
        type.is_unsigned = type.column_type.find("unsigned") != std::string::npos;
        const auto extra = rows.get(row, 10);
        const auto says = [&](std::string_view what) { return extra.find(what) != std::string_view::npos; };
        column.generated = says("VIRTUAL GENERATED") || says("STORED GENERATED") || says("PERSISTENT"); // not DEFAULT_
        column.changes_by_itself = says("on update");
        table.columns.push_back(std::move(column));
    }
}

/// Every unique index; over prefixes of values or expressions it is enforced but says nothing about whole values.
void read_keys(my::Session &session, TargetTable &table) {
    const auto rows = session.query("SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS WHERE "
                                    "NON_UNIQUE = 0 AND " +
                                    where("TABLE_SCHEMA", "TABLE_NAME", table.name) +
                                    " ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX");
    for (int row = 0; row < rows.rows(); ++row) {
        if (table.keys.empty() || table.keys.back().name != rows.get(row, 0)) {
            TargetKey key;
            key.name = rows.text(row, 0);
            key.primary = key.name == "PRIMARY";
            table.keys.push_back(std::move(key));
        }
        auto &key = table.keys.back();
        key.columns.push_back(rows.text(row, 1)); // empty for an expression
        key.operators.emplace_back("=");
        if (rows.null(row, 1) || !rows.null(row, 2)) key.usable = false;
    }
}

/// They cannot be silenced as PostgreSQL's can: whatever they write, they write twice.
void read_triggers(my::Session &session, TargetTable &table) {
    const auto names = session.value("SELECT GROUP_CONCAT(TRIGGER_NAME ORDER BY TRIGGER_NAME SEPARATOR ', ') FROM "
                                     "information_schema.TRIGGERS WHERE " +
                                     where("EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE", table.name));
    table.firing_triggers = names.has_value();
    if (names && first_word_of(table.name))
        log::warning("triggers of the target fire for replicated rows, because MySQL cannot silence them",
                     {{"table", to_string(table.name)},
                      {"triggers", *names},
                      {"remedy", "Drop them until the switchover if what they do is done on the source already."}});
}

} // namespace

std::optional<TargetTable> read_table(my::Session &session, const QualifiedName &name) {
    const auto found = session.query("SELECT TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE " +
                                     where("TABLE_SCHEMA", "TABLE_NAME", name));
    if (found.rows() == 0) return std::nullopt;
    check_kind(found, name);
    TargetTable table;
    table.name = name;
    table.oid = number_of(name);
    table.mysql = session.mariadb() ? dialect::mysql::Flavour::mariadb : dialect::mysql::Flavour::mysql;
    read_columns(session, table);
    read_keys(session, table);
    read_triggers(session, table);
    return table;
}

} // namespace walbridge::target::mysql
