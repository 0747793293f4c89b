// user_code.hpp: whether writing rows of a table runs code that a user wrote: CHECK constraints, also those of domains,
// expressions of indexes, generated columns and partition keys, triggers and rules that fire in our sessions, casts and
// operator classes of users' types. The server runs such code with the rights of whoever writes the row. That is
// walbridge, so such tables are written acting as their owner (acting_role.hpp), who could run it anyway.
#pragma once

#include "base/postgres/session.hpp"
#include "target/postgres/acting_role.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace walbridge::target {

struct TableOwner {
    std::string table, name;     ///< the table as SQL; its owner
    bool trusted = false;        ///< a superuser, or the session's own role: nothing to keep from them
    bool policies_apply = false; ///< FORCE ROW LEVEL SECURITY: as the owner, rows would be hidden
};

/// Of an existing table, by the session's catalog.
[[nodiscard]] TableOwner read_owner(pg::Session &session, std::uint32_t table);

/// Those of `tables` whose owner is not trusted, in one question.
[[nodiscard]] std::set<std::uint32_t> tables_of_others(pg::Session &session, const std::vector<std::uint32_t> &tables);

/// Works on the source as well: what the schema stage creates there runs the same code.
///
/// Not users' code are functions built in that neither run SQL given as text nor reach outside of the database, and
/// immutable ones in C or internal, which only superusers can create (extensions). Everything else is.
[[nodiscard]] bool runs_user_code(pg::Session &session, std::uint32_t table);

/// The role to write the table's rows as; empty = the session's own, because no user's code runs, its author may be
/// trusted, or (with a warning in the log) nothing on the target confines it. Throws Error(target_shape) when the owner
/// would not see every row.
[[nodiscard]] std::string acting_owner(pg::Session &session, ActingRole &role, std::uint32_t table);

} // namespace walbridge::target
