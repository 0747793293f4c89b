// shaped_tables.hpp: the source's tables with the columns that travel, as the task's rules and renames have them. What
// is kept of a table and what DDL messages say of it stay the source's; forms are made of shaped ones.
#pragma once

#include "config/task_config.hpp"
#include "schema/mysql/source_tables.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

/// Shapes a table in place and says what is lost by it. Throws Error(rule) for a computed column whose type nobody
/// knows.
using ShapeTable = std::function<void(SourceTable &table, std::vector<LeftOut> &left_out)>;

/// Empty when the task makes nothing of columns. `config` must outlive what is returned.
[[nodiscard]] ShapeTable table_shaper(const TaskConfig &config);

/// All of them shaped, without the foreign keys that lose a column.
[[nodiscard]] std::vector<SourceTable> shaped(std::vector<SourceTable> tables, const ShapeTable &shape,
                                              std::vector<LeftOut> &left_out);

/// A built-in type as SQL writes it: "varchar(40)", "numeric(10, 2)"; nullopt for others.
[[nodiscard]] std::optional<dialect::mysql::SourceType> source_type_named(const std::string &sql);

/// Of a column that walbridge fills itself.
[[nodiscard]] dialect::mysql::SourceType type_of_added(const std::string &content);

} // namespace walbridge::schema::mysql
