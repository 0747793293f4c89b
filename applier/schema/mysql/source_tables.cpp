// source_tables.cpp: one query per kind of object, for any number of tables.
#include "schema/mysql/source_tables.hpp"

#include "base/error.hpp"
#include "schema/mysql/catalog/sql.hpp"
#include "source/catalog.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unordered_map>

namespace walbridge::schema::mysql {
namespace {

using ByOid = std::unordered_map<std::uint32_t, SourceTable *>;

std::uint32_t oid(const pg::Result &rows, int row, int column) {
    return static_cast<std::uint32_t>(rows.number(row, column));
}

char letter(const pg::Result &rows, int row, int column) {
    const auto text = rows.get(row, column);
    return text.empty() ? '\0' : text.front();
}

/// "1 3" as {1, 3}.
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

void add_columns(pg::Session &source, ByOid &tables) {
    const auto rows = source.query(sql::columns);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = tables.find(oid(rows, row, 0));
        if (found == tables.end()) continue;
        SourceColumn column;
        column.number = static_cast<int>(rows.number(row, 1));
        column.name = rows.text(row, 2);
        column.type.oid = oid(rows, row, 3);
        column.type.name = rows.text(row, 4);
        column.type.kind = letter(rows, row, 5);
        column.type.typmod = static_cast<std::int32_t>(rows.number(row, 6));
        column.type.element_oid = oid(rows, row, 7);
        column.type.element_name = rows.text(row, 8);
        column.not_null = rows.flag(row, 9);
        column.identity = letter(rows, row, 10);
        column.generated = letter(rows, row, 11);
        column.expression = rows.text(row, 12);
        column.comment = rows.text(row, 13);
        if (!rows.null(row, 14)) column.type.enum_labels = nlohmann::json::parse(rows.get(row, 14));
        column.type_sql = rows.text(row, 15);
        found->second->columns.push_back(std::move(column));
    }
}

void add_indexes(pg::Session &source, ByOid &tables) {
    const auto rows = source.query(sql::indexes);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = tables.find(oid(rows, row, 0));
        if (found == tables.end()) continue;
        SourceIndex index;
        index.name = rows.text(row, 1);
        index.method = rows.text(row, 2);
        index.primary = rows.flag(row, 3);
        index.unique = rows.flag(row, 4);
        index.immediate = rows.flag(row, 5);
        index.valid = rows.flag(row, 6);
        index.partial = rows.flag(row, 7);
        index.expressions = rows.flag(row, 8);
        index.exclusion = rows.flag(row, 9);
        index.nulls_not_distinct = rows.flag(row, 10);
        index.columns = numbers(rows.get(row, 11));
        for (const int option : numbers(rows.get(row, 12)))
            index.descending.push_back((static_cast<unsigned>(option) & 1U) != 0);
        index.descending.resize(index.columns.size());
        index.comment = rows.text(row, 13);
        index.replica_identity = rows.flag(row, 14);
        found->second->indexes.push_back(std::move(index));
    }
}

void add_constraints(pg::Session &source, ByOid &tables) {
    const auto rows = source.query(sql::constraints);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto found = tables.find(oid(rows, row, 0));
        if (found == tables.end()) continue;
        SourceConstraint constraint;
        constraint.name = rows.text(row, 1);
        constraint.type = letter(rows, row, 2);
        constraint.deferrable = rows.flag(row, 3);
        constraint.validated = rows.flag(row, 4);
        constraint.columns = numbers(rows.get(row, 5));
        constraint.foreign_table = oid(rows, row, 6);
        constraint.foreign_columns = numbers(rows.get(row, 7));
        constraint.on_update = letter(rows, row, 8);
        constraint.on_delete = letter(rows, row, 9);
        constraint.match = letter(rows, row, 10);
        constraint.sets_some_columns = rows.flag(row, 11);
        constraint.expression = rows.text(row, 12);
        found->second->constraints.push_back(std::move(constraint));
    }
}

void add_comments(pg::Session &source, ByOid &tables) {
    const auto rows = source.query(sql::comments);
    for (int row = 0; row < rows.rows(); ++row)
        if (const auto found = tables.find(oid(rows, row, 0)); found != tables.end())
            found->second->comment = rows.text(row, 1);
}

} // namespace

const SourceColumn *SourceTable::column(int number) const {
    const auto found = std::ranges::find(columns, number, &SourceColumn::number);
    return found == columns.end() ? nullptr : &*found;
}

std::vector<SourceTable> read_source_tables(pg::Session &source, const wire::ObjectSelection &selection,
                                            const NameMap &names) {
    std::vector<SourceTable> tables;
    for (const auto &known : source::read_tables(source, source::Unlogged::bring)) {
        if (!selection.matches(known.name.schema, known.name.name)) continue;
        SourceTable table;
        table.oid = known.oid;
        table.name = known.name;
        table.target = names.table(known.name);
        table.kind = known.kind;
        tables.push_back(std::move(table));
    }
    ByOid by_oid;
    for (auto &table : tables) by_oid.emplace(table.oid, &table);
    add_columns(source, by_oid);
    add_indexes(source, by_oid);
    add_constraints(source, by_oid);
    add_comments(source, by_oid);
    return tables;
}

std::vector<LeftOut> read_other_objects(pg::Session &source, const wire::ObjectSelection &selection) {
    std::vector<LeftOut> others;
    const auto rows = source.query(sql::other_objects);
    for (int row = 0; row < rows.rows(); ++row) {
        const auto kind = rows.text(row, 0), schema = rows.text(row, 1), name = rows.text(row, 2);
        const bool on_table = !rows.null(row, 3);
        const bool of_schema =
            kind == "function" || kind == "procedure" || kind == "aggregate" || kind == "check of domain";
        if (of_schema ? !selection.covers_schema(schema)
                      : !selection.matches(schema, on_table ? rows.text(row, 3) : name))
            continue;
        const auto object = on_table ? fmt::format("{} {} of {}.{}", kind, name, schema, rows.text(row, 3))
                                     : fmt::format("{} {}.{}", kind, schema, name);
        const auto *reason = kind == "foreign table" ? "its rows are elsewhere"
                             : kind == "sequence"
                                 ? "MySQL has no sequences; those that columns own become AUTO_INCREMENT"
                             : kind == "check of domain" ? "MySQL has no domains: columns get the type below"
                                                         : "it is written in PostgreSQL's language";
        others.push_back({object, reason});
    }
    return others;
}

} // namespace walbridge::schema::mysql
