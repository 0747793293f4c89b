// table_statistics.hpp: which tables of the target the planner knows nothing about [F-09].
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"
#include "config/task_config.hpp"

#include <vector>

namespace walbridge::copy {

/// Of the task's selected tables (partitioned ones too), those that hold rows on the target and have no statistics
/// there, by their names on the target.
[[nodiscard]] std::vector<QualifiedName> tables_without_statistics(pg::Session &source, pg::Session &target,
                                                                   const TaskConfig &config);

/// The same question about tables, partitioned tables and materialized views of the target.
[[nodiscard]] std::vector<QualifiedName> without_statistics(pg::Session &target,
                                                            const std::vector<QualifiedName> &relations);

} // namespace walbridge::copy
