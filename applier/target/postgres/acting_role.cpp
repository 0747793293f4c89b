// acting_role.cpp: SET LOCAL ROLE and its end.
#include "target/postgres/acting_role.hpp"

#include "dialect/postgres.hpp"

namespace walbridge::target {

std::optional<ActingRole::Objection> ActingRole::objection(const std::string & /*source_role*/,
                                                           bool evaluates_expressions) {
    if (!evaluates_expressions || config_.ddl.trust == "source") return std::nullopt;
    return Objection{"the statement may run functions of users, which could take the rights of walbridge's own role",
                     "Set ddl.trust = \"source\" if whoever may run DDL on the source may do anything on the target."};
}

std::string ActingRole::target_role(const std::string &source_role) const {
    return config_.ddl.run_as.empty() ? source_role : config_.ddl.run_as;
}

void ActingRole::enter(const std::string &source_role) {
    session_.execute("SET LOCAL ROLE " + dialect::postgres::quote_identifier(target_role(source_role)));
}

void ActingRole::leave() { session_.execute("SET LOCAL ROLE NONE"); }

void ActingRole::enter_session(const std::string &source_role) {
    session_.execute("SET ROLE " + dialect::postgres::quote_identifier(target_role(source_role)));
}

void ActingRole::leave_session() { session_.execute("SET ROLE NONE"); }

} // namespace walbridge::target
