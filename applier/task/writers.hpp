// writers.hpp: what else writes to a database, or lives on what is written there: to be known before the cut of a
// switchover, and before a target is filled [T-18].
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

struct Writer {
    /// cron-job, pgagent-job, subscription, foreign-server, fdw-session, session, transaction, prepared-transaction,
    /// replication-slot, publication, event-trigger, always-trigger, always-rule
    std::string kind;
    std::string name;
    std::string detail; ///< lower case, no final period
    std::string remedy; ///< a statement or a full sentence
};

/// Everything of `session`'s database that the task did not bring; which side it is, session.endpoint().role says.
/// Replication slots and publications are of the source (somebody reads there), event triggers, triggers and rules
/// that fire in replicating sessions of the target. The task's own sessions and its slot are left out. What the role
/// may not read is a row that says so: nothing is passed over in silence. Call it outside of a transaction.
/// Throws SqlError when the connection breaks.
[[nodiscard]] std::vector<Writer> list_writers(pg::Session &session, const TaskConfig &config);

} // namespace walbridge::task
