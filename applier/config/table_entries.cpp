// table_entries.cpp: see table_entries.hpp.
#include "config/table_entries.hpp"

#include "config/object_name.hpp"
#include "config/value_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::config {
namespace {

void refuse(const TableEntry &entry, const std::string &key, const std::string &reason, const std::string &remedy) {
    entry.refuse(key, reason, remedy);
}

void refuse_empty(const TableEntry &entry) {
    const bool says = entry.rename || entry.conflict || entry.where || entry.operations || entry.include_columns ||
                      entry.exclude_columns || entry.values || entry.columns || entry.types || entry.rename_columns ||
                      entry.add_columns;
    if (!says)
        refuse(entry, "name", fmt::format("the entry of {} says nothing about it", entry.name),
               "Add rename = \"...\", where = \"...\" or another key, or remove the entry.");
}

void read_rename(const TableEntry &entry, RenameReader &renames) {
    if (!entry.rename) return;
    try {
        renames.table(entry.name, *entry.rename);
    } catch (const Error &error) {
        refuse(entry, "rename", error.reason(), error.remedy());
    }
}

void read_column_renames(const TableEntry &entry, const std::vector<NamePattern> &table, RenameReader &renames) {
    if (!entry.rename_columns) return;
    for (const auto &[column, target] : *entry.rename_columns) {
        try {
            renames.column(table, column, target);
        } catch (const Error &error) {
            refuse(entry, "rename_columns", error.reason(), error.remedy());
        }
    }
}

wire::Operations operations_of(const TableEntry::Texts &words) {
    const auto listed = [&](const char *word) { return std::ranges::find(words, word) != words.end(); };
    return {listed("insert"), listed("update"), listed("delete"), listed("truncate")};
}

void check_expressions(const TableEntry &entry) {
    const auto blank = [](const std::string &text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; };
    if (entry.where && blank(*entry.where))
        refuse(entry, "where", "the condition is empty", "Write SQL that is true for the rows to bring, or remove it.");
    if (entry.columns)
        for (const auto &[column, expression] : *entry.columns)
            if (blank(expression))
                refuse(entry, "columns", fmt::format("the expression for column {} is empty", column),
                       "Write SQL over the table's columns, or leave the column out with exclude_columns.");
    if (!entry.types) return;
    for (const auto &[column, type] : *entry.types)
        if (!entry.columns || !entry.columns->contains(column))
            refuse(entry, "types", fmt::format("column {} has no expression in `columns`", column),
                   fmt::format("Write columns = {{ {} = \"{}\" }}, or remove the type.", column, column));
}

wire::TableRule rule_of(const TableEntry &entry) {
    wire::TableRule rule;
    rule.where = entry.where;
    rule.include_columns = entry.include_columns;
    rule.exclude_columns = entry.exclude_columns;
    rule.columns = entry.columns;
    rule.types = entry.types;
    if (entry.operations)
        if (const auto operations = operations_of(*entry.operations); operations != wire::Operations())
            rule.operations = operations;
    return rule;
}

void read_added_columns(const TableEntry &entry, TaskConfig &task) {
    if (!entry.add_columns) return;
    for (const auto &[column, content] : *entry.add_columns) {
        if (std::ranges::find(added_column_contents(), content) == added_column_contents().end())
            refuse(entry, "add_columns", fmt::format("\"{}\" is nothing that column {} can hold", content, column),
                   fmt::format("Write one of {}.", enumerate(added_column_contents())));
        if (entry.columns && entry.columns->contains(column))
            refuse(entry, "add_columns", fmt::format("column {} has an expression too", column), "Keep one of them.");
    }
    task.objects.added_columns.emplace_back(wire::ObjectPattern(entry.name), *entry.add_columns);
}

void read_of_one_table(const TableEntry &entry, const QualifiedName &table, TaskConfig &task) {
    if (entry.conflict) task.conflict.by_table[table] = parse_conflict_policy(*entry.conflict);
    if (!entry.values) return;
    if (task.target.kind == "postgresql")
        refuse(entry, "values", "a PostgreSQL target holds every value of the source", "Remove the key.");
    for (const auto &[column, policy] : *entry.values)
        if (policy != "error" && policy != "null" && policy != "clamp" && policy != "text")
            refuse(entry, "values", fmt::format("\"{}\" is no policy for column {}", policy, column),
                   "Write error, null, clamp or text.");
    task.objects.values[table] = *entry.values;
}

} // namespace

const std::vector<std::string> &added_column_contents() {
    static const std::vector<std::string> contents{"operation", "commit_time", "lsn", "source", "task"};
    return contents;
}

void read_table_entries(const std::vector<TableEntry> &entries, RenameReader &renames, TaskConfig &task) {
    std::vector<std::pair<std::string, wire::TableRule>> of_patterns;
    for (const auto &entry : entries) {
        refuse_empty(entry);
        std::vector<NamePattern> parts;
        try {
            parts = parse_table_pattern(entry.name);
        } catch (const Error &error) {
            refuse(entry, "name", error.reason(), error.remedy());
        }
        const bool exact = parts[0].exact() && parts[1].exact();
        for (const auto *key : {entry.conflict ? "conflict" : "", entry.values ? "values" : ""})
            if (!exact && *key != '\0')
                refuse(entry, key, fmt::format("\"{}\" is a pattern, and {} speaks of one table", entry.name, key),
                       "Write an entry for each table.");
        read_rename(entry, renames);
        read_column_renames(entry, parts, renames);
        check_expressions(entry);
        read_added_columns(entry, task);
        if (exact) read_of_one_table(entry, {parts[0].text, parts[1].text}, task);
        if (entry.operations && std::ranges::find(*entry.operations, "ddl") == entry.operations->end())
            task.objects.without_ddl.emplace_back(entry.name, wire::ObjectPattern(entry.name));
        auto rule = rule_of(entry);
        if (rule.empty()) continue;
        if (exact) // exact names win over patterns, wherever they stand
            task.objects.rules.add(entry.name, std::move(rule));
        else
            of_patterns.emplace_back(entry.name, std::move(rule));
    }
    for (auto &[name, rule] : of_patterns) task.objects.rules.add(name, std::move(rule));
}

} // namespace walbridge::config
