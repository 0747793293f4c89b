// roles.hpp: the roles that objects of the source name: their owners, who has grants on them, whom policies are for.
#pragma once

#include "base/postgres/session.hpp"
#include "source/object_graph.hpp"

#include <string>
#include <vector>

namespace walbridge::source {

struct RoleUse {
    enum class Kind { owner, grant, policy };
    ObjectId object;
    Kind kind = Kind::owner;
    std::string role;
    bool can_login = false;
};

/// Of all user objects but those of extensions.
[[nodiscard]] std::vector<RoleUse> read_roles(pg::Session &session);

struct Membership {
    std::string member, role;
    bool can_login = false; ///< the member
};

/// Who may act as which role, directly or through other roles.
[[nodiscard]] std::vector<Membership> read_members(pg::Session &session);

} // namespace walbridge::source
