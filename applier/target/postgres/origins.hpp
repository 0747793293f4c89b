// origins.hpp: which replication origins of a target cluster belong to a task: walbridge_<task> of its first apply
// session, walbridge_<task>:<n> of the further ones, walbridge_<task>:repair of what a verification repairs. A task's
// name holds no colon, so no other task's origin is hit.
#pragma once

#include "base/postgres/session.hpp"

#include <string>

namespace walbridge::target {

/// A condition over pg_catalog.pg_replication_origin `o`; $1 is TaskConfig::origin_name().
inline constexpr const char *origins_of_task =
    "(o.roname = $1 OR pg_catalog.starts_with(o.roname, pg_catalog.concat($1, ':')))";

/// Creates the origin `name` if it is not there.
void create_origin(pg::Session &session, const std::string &name);

/// What the session commits from now on carries the origin `name`, which is created if it is not there. False, and a
/// warning with the remedy: the role may not. Throws SqlError, 55006 among them: another session uses the origin.
bool carry_origin(pg::Session &session, const std::string &name);

} // namespace walbridge::target
