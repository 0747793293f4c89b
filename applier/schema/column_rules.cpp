// column_rules.cpp: see column_rules.hpp.
#include "schema/column_rules.hpp"

#include "config/table_rules.hpp"
#include "dialect/postgres.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::schema {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

} // namespace

std::string type_of_added(const std::string &content) {
    return content == "commit_time" ? "timestamp with time zone" : content == "lsn" ? "pg_lsn" : "text";
}

ddl::ColumnRules column_rules(const TaskConfig &config) {
    if (!shapes_tables(config)) return {};
    ddl::ColumnRules rules;
    rules.on_target = [&config](const QualifiedName &table, const std::string &column) -> std::optional<std::string> {
        if (!rule_of(config, table).takes(column)) return std::nullopt;
        return config.names.column(table, column);
    };
    rules.type = [&config](const QualifiedName &table, const std::string &column) -> std::optional<std::string> {
        const auto rule = rule_of(config, table);
        if (!rule.types || !rule.columns || !rule.columns->contains(column)) return std::nullopt;
        const auto type = rule.types->find(column);
        return type == rule.types->end() ? std::nullopt : std::optional(type->second);
    };
    rules.more = [&config](const QualifiedName &table) {
        std::map<std::string, std::string> more;
        const auto rule = rule_of(config, table);
        if (rule.columns)
            for (const auto &[column, expression] : *rule.columns)
                more.emplace(column,
                             rule.types && rule.types->contains(column) ? rule.types->at(column) : std::string());
        for (const auto &[column, content] : added_columns_of(config, table))
            more.emplace(column, type_of_added(content));
        return more;
    };
    return rules;
}

bool changes_columns(const TaskConfig &config, const QualifiedName &table) {
    const auto rule = rule_of(config, table);
    return rule.include_columns || rule.exclude_columns || rule.columns || !added_columns_of(config, table).empty() ||
           config.names.renames_columns_of(table);
}

bool changes_rows(const TaskConfig &config, const QualifiedName &table) {
    return changes_columns(config, table) || rule_of(config, table).where.has_value();
}

std::vector<std::string> reshape_actions(const source::Shape &shape, const std::vector<std::string> &inherited) {
    const auto handed_down = [&](const std::string &column) {
        return std::ranges::find(inherited, column) != inherited.end();
    };
    std::vector<std::string> actions;
    for (const auto *column : shape.left_out)
        if (!handed_down(column->name)) actions.push_back("DROP COLUMN " + quote_identifier(column->name));
    for (const auto &column : shape.columns) {
        const auto name = quote_identifier(column.name);
        if (column.own == nullptr) {
            actions.push_back(fmt::format("ADD COLUMN {} {}", quote_identifier(column.target), column.type));
            continue;
        }
        if (!column.computed || handed_down(column.name)) continue;
        if (column.own->generated != '\0') actions.push_back("ALTER COLUMN " + name + " DROP EXPRESSION");
        if (column.type == column.own->type) continue;
        // Nothing that made values of the source's type can stay; no row is there yet.
        if (column.own->identity != '\0') actions.push_back("ALTER COLUMN " + name + " DROP IDENTITY");
        actions.push_back("ALTER COLUMN " + name + " DROP DEFAULT");
        actions.push_back(fmt::format("ALTER COLUMN {0} TYPE {1} USING NULL::{1}", name, column.type));
    }
    for (const auto &[column, content] : shape.added)
        actions.push_back(fmt::format("ADD COLUMN {} {}", quote_identifier(column), type_of_added(content)));
    // Names may be handed around: those that are taken by another column step aside first.
    std::set<std::string> taken;
    std::vector<std::pair<std::string, std::string>> last;
    for (const auto &column : shape.columns)
        if (column.own != nullptr) taken.insert(column.name);
    int number = 0;
    for (const auto &column : shape.columns) {
        if (column.own == nullptr || column.name == column.target || handed_down(column.name)) continue;
        auto from = column.name;
        if (taken.contains(column.target)) {
            from = "walbridge_column_" + std::to_string(++number);
            actions.push_back(
                fmt::format("RENAME COLUMN {} TO {}", quote_identifier(column.name), quote_identifier(from)));
        }
        last.emplace_back(from, column.target);
    }
    for (const auto &[from, to] : last)
        actions.push_back(fmt::format("RENAME COLUMN {} TO {}", quote_identifier(from), quote_identifier(to)));
    return actions;
}

std::vector<Item> reshape_items(const TaskConfig &config, pg::Session &source) {
    std::vector<Item> items;
    if (!shapes_tables(config)) return items;
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    const auto tables = source::read_tables(source, source::Unlogged::bring);
    std::map<std::uint32_t, const source::Table *> by_oid;
    for (const auto &table : tables) by_oid.emplace(table.oid, &table);
    source::learn_partitions(config.names, tables);
    source::Shaper shaper(config, source);
    for (const auto &table : tables) {
        if (!selection.matches(table.name.schema, table.name.name)) continue;
        const auto parent = by_oid.find(table.parent_oid);
        if (parent != by_oid.end() && !table.inherits) continue; // a partition follows the table above it
        std::vector<std::string> inherited;
        if (parent != by_oid.end())
            for (const auto &column : parent->second->columns) inherited.push_back(column.name);
        const auto name = config.names.table(table.name);
        std::string statements;
        for (const auto &action : reshape_actions(shaper.shape(table), inherited))
            statements += fmt::format("ALTER TABLE {} {};\n", quote(name), action);
        if (statements.empty()) continue;
        items.push_back(
            {0, Section::before_data, "TABLE COLUMNS", to_string(name), to_string(name), statements, false});
    }
    return items;
}

source::Table reshaped(const source::Table &table, const source::Shape &shape) {
    auto made = table;
    made.columns.clear();
    int number = 0;
    for (const auto &shaped : shape.columns) {
        source::Column column;
        if (shaped.own != nullptr) column = *shaped.own;
        number = std::max(number + 1, column.number);
        column.number = number;
        column.name = shaped.target;
        column.type = shaped.type;
        column.type_oid = shaped.type_oid;
        column.element_oid = shaped.element_oid;
        column.type_kind = shaped.type_kind;
        if (shaped.computed) column.generated = '\0';
        if (shaped.computed && (shaped.own == nullptr || shaped.own->type != shaped.type)) {
            column.identity = '\0';
            column.default_sql.clear();
        }
        made.columns.push_back(std::move(column));
    }
    for (const auto &[name, content] : shape.added) {
        source::Column column;
        column.number = ++number;
        column.name = name;
        column.type = type_of_added(content);
        made.columns.push_back(std::move(column));
    }
    return made;
}

} // namespace walbridge::schema
