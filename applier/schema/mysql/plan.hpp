// plan.hpp: what the schema stage will create on MySQL or MariaDB: the selected tables of the source under the slot's
// snapshot. pg_dump has no part in it.
#pragma once

#include "config/task_config.hpp"
#include "schema/mysql/definitions.hpp"

#include <vector>

namespace walbridge::schema::mysql {

/// The source's tables under the task's selection and names; what their constraints are called on the target is
/// settled. `source` has imported the snapshot.
[[nodiscard]] std::vector<SourceTable> read_selected_tables(const TaskConfig &config, pg::Session &source);

/// Everything that the target gets of the selection; the objects that are no tables are part of `left_out`. Nothing is
/// logged or thrown for what the target cannot have: see plan_schema().
[[nodiscard]] Definitions read_definitions(const TaskConfig &config, pg::Session &source,
                                           const std::vector<SourceTable> &tables, const DefinitionOptions &options);

/// Throws Error(schema_stage) naming the first object that the target cannot have.
void refuse_errors(const Definitions &definitions);

/// The items, in order; logs what is left out. Throws like refuse_errors().
[[nodiscard]] std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source,
                                            const std::vector<SourceTable> &tables, const DefinitionOptions &options);

} // namespace walbridge::schema::mysql
