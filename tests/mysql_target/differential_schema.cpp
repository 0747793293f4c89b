// differential_schema.cpp: PostgreSQL's random tables as MySQL can have them.
#include "differential.hpp"

#include "dialect/mysql/quote.hpp"
#include "dialect/mysql/values.hpp"
#include "target/mysql/column_types.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::differential::mysql {
namespace {

using dialect::mysql::Flavour;
using dialect::mysql::quote_identifier;

bool in_a_key(const TableSpec &table, int column) {
    return std::ranges::any_of(table.keys, [&](const KeySpec &key) {
        return key.on_target && std::ranges::find(key.columns, column) != key.columns.end();
    });
}

dialect::mysql::MappedType mapped(const TableSpec &table, int column, Flavour flavour) {
    dialect::mysql::MapOptions options;
    options.key_column = in_a_key(table, column);
    options.key_bytes = 1500; // a key has two columns at the most
    options.off_row = !options.key_column;
    const auto &relation = (*table.relations)[0];
    return dialect::mysql::map_type(target::mysql::source_type_of(relation.columns[static_cast<std::size_t>(column)]),
                                    flavour, options);
}

bool has_on_mysql(const KeySpec &key) {
    return key.kind != KeySpec::Kind::exclusion && !key.deferrable && !key.lower && !key.where_not_null &&
           !key.nulls_not_distinct;
}

void name_labels(TableSpec &table) {
    auto relations = std::make_shared<std::array<Relation, 2>>(*table.relations);
    for (auto &relation : *relations)
        for (auto &column : relation.columns)
            if (column.type_kind == 'e') column.enum_labels = {"sad", "ok", "happy"};
    table.relations = std::move(relations);
}

/// Leaves the values that fit; false when none is left.
bool keep_fitting(const TableSpec &table, int number, ColumnSpec &column, Flavour flavour) {
    const auto type = mapped(table, number, flavour);
    if (type.sql.empty() || (type.needs_prefix && in_a_key(table, number))) return false;
    const auto source = target::mysql::source_type_of((*table.relations)[0].columns[static_cast<std::size_t>(number)]);
    const dialect::mysql::ValueWriter writer(source, type.column, dialect::mysql::Unfit::error);
    std::erase_if(column.domain, [&](int value) {
        std::string scratch;
        try {
            static_cast<void>(writer.write(column.type->pool[static_cast<std::size_t>(value)].text, scratch));
            return false;
        } catch (const dialect::mysql::ValueError &) {
            return true;
        }
    });
    return !column.domain.empty();
}

bool adapt(TableSpec &table, Flavour flavour) {
    name_labels(table);
    table.partitioned = table.marked_by_trigger = table.dropped_column = false;
    for (auto &key : table.keys)
        if (!has_on_mysql(key)) key.on_target = false;
    table.stricter_target =
        std::ranges::any_of(table.keys, [](const KeySpec &key) { return key.on_target && !key.on_source; });
    for (std::size_t number = 0; number < table.columns.size(); ++number) {
        auto &column = table.columns[number];
        column.target_type = column.type->sql;
        const auto index = static_cast<int>(number);
        if (!column.doubled && !keep_fitting(table, index, column, flavour)) return false;
        const auto equality = target::mysql::equality_of(
            target::mysql::source_type_of((*table.relations)[0].columns[number]), mapped(table, index, flavour).column);
        if (in_a_key(table, index) && equality == target::mysql::Equality::weaker) table.stricter_target = true;
    }
    return true;
}

std::string column_sql(const TableSpec &table, int number, Flavour flavour) {
    const auto &column = table.columns[static_cast<std::size_t>(number)];
    auto sql = quote_identifier(column.name) + " " + mapped(table, number, flavour).sql;
    if (column.doubled && column.generated_there)
        return sql + fmt::format(" GENERATED ALWAYS AS (2 * {}) STORED",
                                 quote_identifier(table.columns[static_cast<std::size_t>(*column.doubled)].name));
    return sql + (column.not_null ? " NOT NULL" : " NULL");
}

std::string table_sql(const TableSpec &table, Flavour flavour) {
    std::string parts;
    const auto add = [&](const std::string &part) { parts += (parts.empty() ? "" : ", ") + part; };
    if (table.extra_column) add("own VARCHAR(40) DEFAULT 'default'");
    for (const auto number : table.target_order)
        if (table.columns[static_cast<std::size_t>(number)].on_target) add(column_sql(table, number, flavour));
    for (const auto &key : table.keys) {
        if (!key.on_target) continue;
        std::string columns;
        for (const auto number : key.columns)
            columns +=
                (columns.empty() ? "" : ", ") + quote_identifier(table.columns[static_cast<std::size_t>(number)].name);
        add(key.kind == KeySpec::Kind::primary
                ? fmt::format("PRIMARY KEY ({})", columns)
                : fmt::format("UNIQUE KEY {} ({})", quote_identifier(key.name), columns));
    }
    return fmt::format("CREATE TABLE {} ({}) ENGINE = InnoDB;", dialect::mysql::quote({table.schema, table.name}),
                       parts);
}

} // namespace

bool adapt(Schema &schema, Flavour flavour) {
    schema.binary = false;
    return std::ranges::all_of(schema.tables, [&](TableSpec &table) { return adapt(table, flavour); });
}

std::string create_sql(const Schema &schema, Flavour flavour) {
    auto sql = fmt::format("CREATE DATABASE {};", quote_identifier(schema.name));
    for (const auto &table : schema.tables) sql += table_sql(table, flavour);
    return sql;
}

} // namespace walbridge::differential::mysql
