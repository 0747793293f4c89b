// table_rules_store.hpp: by which rules for rows and columns a task's tables were copied (walbridge.table_sync.rule,
// and walbridge.task.rules for tables that came into being later), and which of them the task file has changed since.
// Only where, columns, include_columns, exclude_columns and types count: a change of operations alone copies nothing
// again.
#pragma once

#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "source/catalog.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

/// A rule as it is stored; empty = the whole table. `names` have learned what the table is a partition of.
[[nodiscard]] std::string stored_rule(const wire::TableRules &rules, const NameMap &names, const QualifiedName &table);

/// Notes the rules of the task file with what is about to be copied; through the caller's transaction.
void note_rules(sql::Session &control, const TaskConfig &config);

/// Of a task whose copy is not complete: tables of which anything was copied by another rule begin again, the others
/// take the new one. Also of a sync task that had caught up: true, when it has to go back to its load.
bool begin_again_by_rules(sql::Session &control, const TaskConfig &config);

/// Of a task that follows: its tables that the target holds by another rule.
[[nodiscard]] std::vector<QualifiedName> tables_by_other_rules(sql::Session &control, const TaskConfig &config);

/// From now on the task file's rules are the ones in force; through the caller's transaction.
void note_rules_in_force(sql::Session &control, const TaskConfig &config);

} // namespace walbridge::task
