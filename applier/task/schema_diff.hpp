// schema_diff.hpp: the selected objects of both sides compared as they are now.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "schema/compare/compare.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

/// What would have to be done to the target; empty when the two are equal. Reads only, under ACCESS SHARE locks.
[[nodiscard]] std::vector<schema::compare::Difference> schema_differences(const TaskConfig &config,
                                                                          const StopToken &stop);

struct SchemaDiff {
    std::string text; ///< a script for psql or JSON
    bool equal = true;
};

/// `walbridge schema diff`.
[[nodiscard]] SchemaDiff schema_diff(const TaskConfig &config, bool json);

} // namespace walbridge::task
