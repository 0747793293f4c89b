// column_rules.hpp: what the task file says about columns, in the form the ddl room asks for, and what it makes of
// tables that pg_dump has created as the source has them.
#pragma once

#include "config/task_config.hpp"
#include "ddl/columns.hpp"
#include "schema/item.hpp"
#include "source/shape.hpp"

#include <string>
#include <vector>

namespace walbridge::schema {

/// Empty when the task makes nothing of columns. `config` must outlive what is returned.
[[nodiscard]] ddl::ColumnRules column_rules(const TaskConfig &config);

/// The target's table has other columns than the source's, by what the task says.
[[nodiscard]] bool changes_columns(const TaskConfig &config, const QualifiedName &table);

/// The same, or some rows do not travel: the source's rows must not be brought as they are.
[[nodiscard]] bool changes_rows(const TaskConfig &config, const QualifiedName &table);

/// Pure: what follows ALTER TABLE to make of a table with the source's columns one with those that travel, under the
/// target's names. The server carries new names into views, defaults and generated columns. `inherited`: names of
/// columns that a table above it hands down changed.
[[nodiscard]] std::vector<std::string> reshape_actions(const source::Shape &shape,
                                                       const std::vector<std::string> &inherited = {});

/// Of all selected tables, to be run when everything before the data is there. `source` has imported the snapshot.
[[nodiscard]] std::vector<Item> reshape_items(const TaskConfig &config, pg::Session &source);

/// The table as the target has it: columns that travel, under the target's names.
[[nodiscard]] source::Table reshaped(const source::Table &table, const source::Shape &shape);

/// Type of a column that walbridge fills itself.
[[nodiscard]] std::string type_of_added(const std::string &content);

} // namespace walbridge::schema
