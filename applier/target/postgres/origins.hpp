// origins.hpp: which replication origins of a target cluster belong to a task: walbridge_<task> of its first apply
// session and walbridge_<task>:<n> of the further ones. A task's name holds no colon, so no other task's origin is hit.
#pragma once

namespace walbridge::target {

/// A condition over pg_catalog.pg_replication_origin `o`; $1 is TaskConfig::origin_name().
inline constexpr const char *origins_of_task =
    "(o.roname = $1 OR pg_catalog.starts_with(o.roname, pg_catalog.concat($1, ':')))";

} // namespace walbridge::target
