// target_session.hpp: sessions of the initial load on a PostgreSQL target: quiet (no triggers, foreign keys, event
// triggers), patient, and fenced by the task's epoch.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <functional>
#include <string>
#include <vector>

namespace walbridge::schema {

/// Opens a session named `what` with session_replication_role = replica and the settings definitions and text values
/// need. Throws Error(permission) with the GRANT when the role may not be quiet.
[[nodiscard]] pg::Session open_target(const TaskConfig &config, const std::string &what);

/// Runs `body` in one transaction whose first statement is `fence` (assert_epoch_sql). Rolls back on any exception; a
/// fence that refuses becomes Error(fenced).
void in_transaction(pg::Session &session, const std::string &fence, const std::function<void()> &body);

/// Makes everything durable that was committed before, in whichever session: sessions of the load do not wait for the
/// disk themselves. A synchronous commit flushes the log up to itself.
void flush_commits(pg::Session &session, const TaskConfig &config, const std::string &fence);

/// Loads rows through COPY: as fast as it gets for tens of thousands of rows of state. `copy` is "COPY t (columns) FROM
/// STDIN".
void copy_rows(pg::Session &session, const std::string &copy, const std::vector<std::vector<pg::Parameter>> &rows);

} // namespace walbridge::schema
