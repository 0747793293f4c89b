// roles.hpp: the roles named in a statement: mapped, or left out with OWNER TO and AUTHORIZATION.
#pragma once

#include "ddl/decision.hpp"

#include <string>

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

struct RoleOutcome {
    bool changed = false;
    bool nothing_left = false; ///< the statement was only about an owner or a grant that is left out
    std::string reason;        ///< why nothing is left
};

RoleOutcome apply_role_rules(pg_query::Node &statement, const RoleRules &rules);

} // namespace walbridge::ddl
