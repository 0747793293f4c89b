// acting_role.cpp: enter_role and leave_role where they are, else SET LOCAL ROLE.
#include "target/postgres/acting_role.hpp"

#include "dialect/postgres.hpp"

#include <fmt/format.h>
#include <random>

namespace walbridge::target {
namespace {

using dialect::postgres::quote_identifier;

/// 32 bytes of the operating system's randomness in bytea's text form.
std::string make_token() {
    std::random_device random;
    std::string token = "\\x";
    for (int word = 0; word < 8; ++word) token += fmt::format("{:08x}", random());
    return token;
}

/// The function is the extension's own: one that somebody else made under its name would see our token.
constexpr auto extension_is_there = R"(
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_extension e
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
                               AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e'
    JOIN pg_catalog.pg_proc p ON p.oid = d.objid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE e.extname = 'walbridge' AND n.nspname = 'walbridge' AND p.proname = 'enter_role')
)";

} // namespace

ActingRole::ActingRole(const TaskConfig &config, pg::Session &session)
    : config_(config), session_(session), token_(make_token()) {}

bool ActingRole::confines() {
    if (!confines_) confines_ = session_.query(extension_is_there).flag(0, 0);
    return *confines_;
}

std::optional<ActingRole::Objection> ActingRole::objection(const std::string & /*source_role*/,
                                                           bool evaluates_expressions) {
    if (!evaluates_expressions || config_.ddl.trust == "source" || confines()) return std::nullopt;
    return Objection{"the statement may run functions of users, which could take the rights of walbridge's own role",
                     "Run CREATE EXTENSION walbridge; in the target database and start the task again, or set "
                     "ddl.trust = \"source\" "
                     "if whoever may run DDL on the source may do anything on the target."};
}

std::string ActingRole::target_role(const std::string &source_role) const {
    return config_.ddl.run_as.empty() ? config_.role_on_target(source_role) : config_.ddl.run_as;
}

void ActingRole::explain(const SqlError &error, const std::string &role) const {
    const auto &state = error.sqlstate();
    std::string remedy = error.remedy();
    if (state == "42704" || state == "22023")
        remedy =
            fmt::format("Run on the target: CREATE ROLE {0}; and, unless walbridge's role is a superuser, GRANT {0} "
                        "to it; or map the role in [roles].",
                        quote_identifier(role));
    else if (state == "42501")
        remedy = fmt::format("Run on the target: GRANT {} to walbridge's role.", quote_identifier(role));
    throw SqlError(error.kind(), error.object(), error.fields(), remedy);
}

void ActingRole::enter_owner(const std::string &role) {
    try {
        session_.query(enter_statement, {role, token_});
    } catch (const SqlError &error) {
        explain(error, role);
    }
}

void ActingRole::leave_owner() { session_.query(leave_statement, {token_}); }

void ActingRole::enter(const std::string &source_role) {
    const auto role = target_role(source_role);
    if (confines()) return enter_owner(role);
    try {
        session_.execute("SET LOCAL ROLE " + quote_identifier(role));
    } catch (const SqlError &error) {
        explain(error, role);
    }
}

void ActingRole::leave() {
    if (confines()) return leave_owner();
    session_.execute("SET LOCAL ROLE NONE");
}

void ActingRole::enter_session(const std::string &source_role) {
    const auto role = target_role(source_role);
    try {
        session_.execute("SET ROLE " + quote_identifier(role));
    } catch (const SqlError &error) {
        explain(error, role);
    }
}

void ActingRole::leave_session() { session_.execute("SET ROLE NONE"); }

} // namespace walbridge::target
