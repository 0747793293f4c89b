// acting_role.hpp: on a target, the session of the applier acts as another role for some statements and cannot be
// brought back by anything that these statements run.
//
// SET ROLE is no boundary: a function that a statement runs (a column default, an index expression, the query of a
// CREATE TABLE AS) may RESET ROLE and has the applier's rights. walbridge.enter_role switches the way the server itself
// does for index expressions: user and security context together, in which SET ROLE, SET SESSION AUTHORIZATION,
// temporary tables and deferred triggers are refused. Only walbridge.leave_role with the token that entered comes back.
//
//   BEGIN; ... SELECT walbridge.enter_role($1, $2); statements; SELECT walbridge.leave_role($1); ... COMMIT;
//
// Enter and leave belong to one (sub)transaction. The server restores the user when a (sub)transaction aborts, our
// state follows it; a (sub)transaction that would commit while the role is entered is refused.
#pragma once

#include <cstddef>

namespace walbridge::acting_role {

/// The session acts as the role named. Raises when it already does, outside of a transaction block, when the role does
/// not exist, when the session's user is not a member of it, when the token is shorter than 16 or longer than 64 bytes.
void enter(const char *role, const unsigned char *token, std::size_t length);

/// The session is what it was before, its settings too. Raises when it does not act as a role, when the token is
/// another one, in another subtransaction than that of enter(), when what ran meanwhile left temporary objects behind.
void leave(const unsigned char *token, std::size_t length);

} // namespace walbridge::acting_role
