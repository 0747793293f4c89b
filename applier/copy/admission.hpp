// admission.hpp: tables that came into the selection while the task ran (renamed into it): what the load has to create
// for them before their rows are copied. The rest of the load treats them as tables that changed since they were
// planned.
#pragma once

#include "base/sql/fence.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <string>

namespace walbridge::copy {

/// Adds the definitions of such tables, as they are on the source now, to walbridge.schema_item; what is on the target
/// already is left out. Does nothing when there are none.
void admit_tables(const TaskConfig &config, const sql::Fence &fence, const StopToken &stop);

} // namespace walbridge::copy
