// roles.cpp: reads roles.sql and role_members.sql.
#include "source/roles.hpp"

#include "source/catalog/sql.hpp"

namespace walbridge::source {

std::vector<RoleUse> read_roles(pg::Session &session) {
    const auto rows = session.query(sql::roles);
    std::vector<RoleUse> uses;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto kind = rows.get(row, 2);
        uses.push_back(
            {{static_cast<std::uint32_t>(rows.number(row, 0)), static_cast<std::uint32_t>(rows.number(row, 1))},
             kind == "o"   ? RoleUse::Kind::owner
             : kind == "g" ? RoleUse::Kind::grant
                           : RoleUse::Kind::policy,
             rows.text(row, 3),
             rows.flag(row, 4)});
    }
    return uses;
}

std::vector<Membership> read_members(pg::Session &session) {
    const auto rows = session.query(sql::role_members);
    std::vector<Membership> members;
    for (int row = 0; row < rows.rows(); ++row)
        members.push_back({rows.text(row, 0), rows.text(row, 1), rows.flag(row, 2)});
    return members;
}

} // namespace walbridge::source
