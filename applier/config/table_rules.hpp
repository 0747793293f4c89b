// table_rules.hpp: what the task file says of one table's rows and columns. A partition takes what is said of the
// tables above it, which NameMap::learn_partition() has to have been told. Pure.
#pragma once

#include "config/task_config.hpp"

#include <map>
#include <string>
#include <vector>

namespace walbridge {

/// The task makes something of columns or rows: without it no table needs a look.
[[nodiscard]] inline bool shapes_tables(const TaskConfig &config) {
    return !config.objects.rules.empty() || !config.objects.added_columns.empty() || config.names.renames_columns();
}

/// What tables, and which partitions of them, the source has decides about names and rules: NameMap has to be told.
[[nodiscard]] inline bool learns_names(const TaskConfig &config) {
    return config.names.learns() || shapes_tables(config);
}

[[nodiscard]] inline wire::TableRule rule_of(const wire::TableRules &rules, const NameMap &names,
                                             const QualifiedName &table) {
    std::vector<wire::TableName> chain;
    for (const auto &name : names.with_parents(table)) chain.emplace_back(name.schema, name.name);
    return rules.of(chain);
}

[[nodiscard]] inline wire::TableRule rule_of(const TaskConfig &config, const QualifiedName &table) {
    return rule_of(config.objects.rules, config.names, table);
}

/// Columns that walbridge fills itself, by name on the target: operation, commit_time, lsn, source, task.
using AddedColumns = std::map<std::string, std::string>;

[[nodiscard]] inline AddedColumns added_columns_of(const TaskConfig &config, const QualifiedName &table) {
    AddedColumns added;
    for (const auto &name : config.names.with_parents(table))
        for (const auto &[pattern, columns] : config.objects.added_columns)
            if (pattern.matches(name.schema, name.name)) added.insert(columns.begin(), columns.end());
    return added;
}

} // namespace walbridge
