// target_session.hpp: sessions of the initial load on a PostgreSQL target: quiet (no triggers, foreign keys, event
// triggers), patient, and fenced by the task's epoch.
#pragma once

#include "base/postgres/session.hpp"
#include "base/sql/fence.hpp"
#include "config/task_config.hpp"

#include <string>

namespace walbridge::schema {

/// Opens a session named `what` with session_replication_role = replica and the settings definitions and text values
/// need. Throws Error(permission) with the GRANT when the role may not be quiet.
[[nodiscard]] pg::Session open_target(const TaskConfig &config, const std::string &what);

/// Makes everything durable that was committed before, in whichever session: sessions of the load do not wait for the
/// disk themselves. A synchronous commit flushes the log up to itself.
void flush_commits(pg::Session &session, const TaskConfig &config, const sql::Fence &fence);

} // namespace walbridge::schema
