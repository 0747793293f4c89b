// plan.hpp: what the schema stage will create on MySQL or MariaDB: the selected tables of the source under the slot's
// snapshot. pg_dump has no part in it.
#pragma once

#include "config/task_config.hpp"
#include "schema/mysql/definitions.hpp"

namespace walbridge::schema::mysql {

/// Reads the catalog through `source`, which has imported the snapshot, under the task's selection and names. The
/// objects that are no tables are part of `left_out`. Nothing is logged or thrown for what the target cannot have: see
/// plan_schema().
[[nodiscard]] Definitions read_definitions(const TaskConfig &config, pg::Session &source,
                                           const DefinitionOptions &options);

/// The items, in order; logs what is left out. Throws Error(schema_stage) naming the first object that the target
/// cannot have.
[[nodiscard]] std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source,
                                            const DefinitionOptions &options);

} // namespace walbridge::schema::mysql
