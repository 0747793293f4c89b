// existing_tables.hpp: what the task file says about tables that the target has already (docs/existing-tables.md)
// [O-09].
#pragma once

#include "config/task_config.hpp"

namespace walbridge {

/// They are used as they are: columns that both sides have are replicated, rows that are there are not in the way.
[[nodiscard]] inline bool proceeds_with_existing(const TaskConfig &config) {
    return config.objects.existing == "proceed";
}

/// The copy replaces a row that the target has by the source's, instead of keeping it.
[[nodiscard]] inline bool overwrites_existing_rows(const TaskConfig &config) {
    return proceeds_with_existing(config) && config.objects.existing_rows == "overwrite";
}

} // namespace walbridge
