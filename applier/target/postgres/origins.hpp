// origins.hpp: which replication origins of a target cluster belong to a task: walbridge_<task> of its first apply
// session, walbridge_<task>:<n> of the further ones, walbridge_<task>:copy<n> of those that copy,
// walbridge_<task>:repair of what a verification repairs, walbridge_<task>:sync and walbridge_<task>:sync:... of the
// task that brings tables for it. A task's name holds no colon, so no other task's origin is hit.
#pragma once

#include "base/postgres/session.hpp"

#include <string>
#include <vector>

namespace walbridge::target {

/// A condition over pg_catalog.pg_replication_origin `o`; $1 is TaskConfig::origin_name().
inline constexpr const char *origins_of_task =
    "(o.roname = $1 OR pg_catalog.starts_with(o.roname, pg_catalog.concat($1, ':')))";

/// Creates the origin `name` if it is not there.
void create_origin(pg::Session &session, const std::string &name);

/// What the session commits from now on carries the origin `name`, which is created if it is not there. False, and a
/// warning with the remedy: the role may not. Throws SqlError, 55006 among them: another session uses the origin.
bool carry_origin(pg::Session &session, const std::string &name);
/// From now on the session's transactions carry the first origin of `names` that no other session uses; created where
/// it is missing. Waits for sessions that are about to end. False, after a warning, when the role may not use origins.
/// Throws SqlError: all stay in use, the server has no room for another one.
bool use_free_origin(pg::Session &session, const std::vector<std::string> &names);

} // namespace walbridge::target
