// explain.hpp: why a row is as it is [B-09]: both sides' versions of it with who wrote them and when, where the task
// stands, and what was decided about the row. Reads only.
#pragma once

#include "config/task_config.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

/// `table` as the source or the target calls it. `key`: values of the primary key in its order, or column=value pairs.
/// As text for people or as JSON. Throws Error(usage) for a table or key that neither side knows.
[[nodiscard]] std::string explain_row(const TaskConfig &config, const QualifiedName &table,
                                      const std::vector<std::string> &key, bool json);

} // namespace walbridge::task
