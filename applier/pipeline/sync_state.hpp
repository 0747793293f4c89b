// sync_state.hpp: loads table sync state from the target for the apply stage.
#pragma once

#include "apply/sync_filter.hpp"
#include "config/task_config.hpp"

namespace walbridge::pipeline {

/// Every copied chunk of the task with its sync LSN; opens a session of its own.
apply::SyncFilter load_sync_filter(const TaskConfig &config);

} // namespace walbridge::pipeline
