// statements.cpp: builds the SQL text of row and set statements.
//
// UPDATE of many rows: SET c = CASE k WHEN ... END. Measured on MariaDB 10.11 it is the fastest form that proves its
// rows by the count of the statement itself: a join with a table of values is slower below a few thousand rows and
// makes one type of all values of a column, INSERT ... ON DUPLICATE KEY UPDATE counts what proves nothing. The values
// of a CASE are all text or all bytes, which the column converts as it does for a single row.
#include "target/mysql/statements.hpp"

#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "target/mysql/column_types.hpp"
#include "target/mysql/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target::mysql {
namespace {

using dialect::mysql::quote;
using dialect::mysql::quote_identifier;

std::string column_of(const TablePlan &plan, std::uint32_t index) {
    return quote_identifier(plan.columns[index].target.name);
}

/// Columns that the server would change by itself keep their value in an UPDATE that does not set them.
std::string kept_columns(const TablePlan &plan, const ColumnList &set) {
    std::string text;
    for (const auto &column : plan.table.columns) {
        if (!column.changes_by_itself) continue;
        const auto index = find_column(plan, column.name);
        if (index && std::ranges::find(set, *index) != set.end()) continue;
        const auto name = quote_identifier(column.name);
        text += fmt::format(", {} = {}", name, name);
    }
    return text;
}

bool same_set(std::vector<std::string> left, std::vector<std::string> right) {
    std::ranges::sort(left);
    std::ranges::sort(right);
    return left == right;
}

/// `CASE k WHEN 1 THEN` compares numbers and characters as the column does; other types go through `=`.
bool simple_case(const TablePlan &plan) {
    if (plan.key.size() != 1) return false;
    const auto &column = *plan.columns[plan.key.front()].target.mysql;
    return is_number(column) ? column.data_type != "float"
                             : column.data_type == "varchar" || column.data_type == "char";
}

std::vector<std::string> conditions(const TablePlan &plan, std::span<const Row> keys, bool simple) {
    std::vector<std::string> texts;
    texts.reserve(keys.size());
    for (const auto &key : keys) {
        std::string text;
        if (simple)
            append_value(text, plan, plan.key.front(), key, Use::compare);
        else
            text = key_condition(plan, key);
        texts.push_back(std::move(text));
    }
    return texts;
}

} // namespace

ColumnList present_columns(const TablePlan &plan, Row row) {
    ColumnList columns;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        if (row[index].kind != ValueKind::unchanged) columns.push_back(index);
    return columns;
}

std::string forced_index(const TablePlan &plan) {
    if (plan.lookup != Lookup::unique_key) return {};
    std::vector<std::string> names;
    for (const auto index : plan.key) names.push_back(plan.columns[index].target.name);
    for (const auto &key : plan.table.keys)
        if (key.usable && same_set(key.columns, names))
            return fmt::format(" FORCE INDEX ({})", quote_identifier(key.name));
    return {};
}

std::string key_condition(const TablePlan &plan, Row row) {
    std::string text;
    for (const auto index : plan.key) {
        if (!text.empty()) text += " AND ";
        append_equals(text, plan, index, row);
    }
    return text;
}

std::string where_row(const TablePlan &plan, Row old_row) {
    switch (plan.lookup) {
    case Lookup::unique_key: return key_condition(plan, old_row);
    case Lookup::key: return key_condition(plan, old_row) + " LIMIT 1";
    case Lookup::full_row: break;
    case Lookup::none:
        throw Error(ErrorKind::unidentified, object_of(plan), "rows of this table cannot be identified on the target",
                    fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL;",
                                dialect::postgres::quote(plan.relation->name)));
    }
    std::string text;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        if (plan.columns[index].added) continue;
        if (!text.empty()) text += " AND ";
        append_same(text, plan, index, old_row);
    }
    return (text.empty() ? std::string("TRUE") : text) + " LIMIT 1";
}

std::string insert_row(const TablePlan &plan, Row row) {
    auto sql = insert_head(plan);
    append_inserted(sql, plan, row);
    return sql;
}

std::string update_row(const TablePlan &plan, const ColumnList &set, Row old_row, Row new_row) {
    const auto where = where_row(plan, old_row);
    if (set.empty()) // nothing of the target's changed: still prove that the row is there
        return fmt::format("SELECT 1 FROM {}{} WHERE {} FOR UPDATE", quote(plan.table.name), forced_index(plan), where);
    auto sql = fmt::format("UPDATE {}{} SET ", quote(plan.table.name), forced_index(plan));
    for (std::size_t position = 0; position < set.size(); ++position) {
        if (position != 0) sql += ", ";
        sql += column_of(plan, set[position]) + " = ";
        append_value(sql, plan, set[position], new_row, Use::insert);
    }
    return sql + kept_columns(plan, set) + " WHERE " + where;
}

std::string delete_row(const TablePlan &plan, Row old_row) {
    return fmt::format("DELETE FROM {} WHERE {}", quote(plan.table.name), where_row(plan, old_row));
}

std::string insert_head(const TablePlan &plan) {
    std::string names;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        names += (names.empty() ? "" : ", ") + column_of(plan, index);
    return fmt::format("INSERT INTO {} ({}) VALUES ", quote(plan.table.name), names);
}

void append_inserted(std::string &sql, const TablePlan &plan, Row row) {
    sql += '(';
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        if (index != 0) sql += ',';
        append_value(sql, plan, index, row, Use::insert);
    }
    sql += ')';
}

std::string keys_condition(const TablePlan &plan, std::span<const Row> keys) {
    std::string sql = plan.key.size() == 1 ? "" : "(";
    for (std::size_t position = 0; position < plan.key.size(); ++position)
        sql += (position == 0 ? "" : ", ") + column_of(plan, plan.key[position]);
    sql += plan.key.size() == 1 ? " IN (" : ") IN (";
    for (std::size_t at = 0; at < keys.size(); ++at) {
        if (at != 0) sql += ',';
        if (plan.key.size() != 1) sql += '(';
        for (std::size_t position = 0; position < plan.key.size(); ++position) {
            if (position != 0) sql += ',';
            append_value(sql, plan, plan.key[position], keys[at], Use::compare);
        }
        if (plan.key.size() != 1) sql += ')';
    }
    return sql + ')';
}

std::string update_set(const TablePlan &plan, const ColumnList &set, std::span<const Row> keys,
                       std::span<const Row> rows) {
    if (set.empty()) return find_set(plan, keys, true);
    if (keys.size() == 1) return update_row(plan, set, keys.front(), rows.front());
    const bool simple = simple_case(plan);
    const auto when = conditions(plan, keys, simple);
    const auto opening = simple ? fmt::format("CASE {}", column_of(plan, plan.key.front())) : std::string("CASE");
    auto sql = fmt::format("UPDATE {}{} SET ", quote(plan.table.name), forced_index(plan));
    for (std::size_t position = 0; position < set.size(); ++position) {
        if (position != 0) sql += ", ";
        sql += column_of(plan, set[position]) + " = " + opening;
        for (std::size_t at = 0; at < rows.size(); ++at) {
            sql += " WHEN ";
            sql += when[at];
            sql += " THEN ";
            append_value(sql, plan, set[position], rows[at], Use::assign);
        }
        sql += " END";
    }
    return sql + kept_columns(plan, set) + " WHERE " + keys_condition(plan, keys);
}

std::string delete_set(const TablePlan &plan, std::span<const Row> keys) {
    return fmt::format("DELETE FROM {} WHERE {}", quote(plan.table.name), keys_condition(plan, keys));
}

std::string find_set(const TablePlan &plan, std::span<const Row> keys, bool lock) {
    return fmt::format("SELECT 1 FROM {}{} WHERE {}{}", quote(plan.table.name), forced_index(plan),
                       keys_condition(plan, keys), lock ? " FOR UPDATE" : "");
}

} // namespace walbridge::target::mysql
