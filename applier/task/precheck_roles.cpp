// precheck_roles.cpp: the roles that objects and DDL need on the target, and whether ours may act as them.
#include "dialect/postgres.hpp"
#include "schema/closure.hpp"
#include "source/roles.hpp"
#include "target/postgres/user_code.hpp"
#include "task/precheck_checks.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using source::RoleUse;

/// What a role of the target is needed for.
struct Need {
    bool owner = false;     ///< objects will belong to it, statements run as it
    bool can_login = false; ///< its counterpart on the source
};
using Needs = std::map<std::string, Need>;

std::string joined(const std::vector<std::string> &statements, std::size_t most = 20) {
    std::string out;
    for (std::size_t i = 0; i < std::min(most, statements.size()); ++i) out += (i > 0 ? " " : "") + statements[i];
    if (statements.size() > most) out += fmt::format(" (and {} more)", statements.size() - most);
    return out;
}

std::string create_role(const std::string &role, bool can_login) {
    return fmt::format("CREATE ROLE {}{};", quote_identifier(role), can_login ? " LOGIN" : "");
}

/// The name on the target of a role that objects of the source name; nullopt when the task does not carry it over.
std::optional<std::string> target_name(const TaskConfig &config, RoleUse::Kind kind, const std::string &role) {
    const auto &rule = kind == RoleUse::Kind::owner ? config.schema.owner : config.schema.grants;
    if (rule == "none") return std::nullopt;
    return rule == "map" ? config.role_on_target(role) : role;
}

Needs needs_of(const PrecheckContext &context, pg::Session &source) {
    const auto &config = context.config;
    Needs needs;
    const auto graph = source::read_object_graph(source);
    const auto closure =
        schema::select_objects(graph, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    for (const auto &use : source::read_roles(source)) {
        if (!closure.objects.contains(use.object)) continue;
        const auto name = target_name(config, use.kind, use.role);
        if (!name) continue;
        auto &need = needs[*name];
        need.owner = need.owner || use.kind == RoleUse::Kind::owner;
        need.can_login = need.can_login || use.can_login;
    }
    if (config.incremental_stage && !config.ddl.off() && !config.ddl.run_as.empty())
        needs[config.ddl.run_as].owner = true;
    return needs;
}

std::set<std::string> roles_of(pg::Session &target) {
    const auto rows = target.query("SELECT rolname FROM pg_catalog.pg_roles");
    std::set<std::string> roles;
    for (int row = 0; row < rows.rows(); ++row) roles.insert(rows.text(row, 0));
    return roles;
}

/// Owners must be roles that ours may act as: it hands objects over to them, and runs DDL and some rows as them.
void check_roles_of_target(PrecheckContext &context, pg::Session &target) {
    if (!context.source) return context.skipped("target.roles", "the source cannot be reached");
    const auto needs = needs_of(context, *context.source);
    const auto there = roles_of(target);
    const auto self = target.value("SELECT current_user").value();
    const char *const right = target.server_version() >= 160000 ? "SET" : "MEMBER";
    std::vector<std::string> missing, foreign, creates, grants;
    for (const auto &[role, need] : needs) {
        const auto grant = fmt::format("GRANT {} TO {};", quote_identifier(role), quote_identifier(self));
        if (!there.contains(role)) {
            missing.push_back(role);
            creates.push_back(create_role(role, need.can_login));
            if (need.owner &&
                !target.query("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1", {self}).flag(0, 0))
                creates.push_back(grant);
        } else if (need.owner && !target.query("SELECT pg_catalog.pg_has_role($1, $2)", {role, right}).flag(0, 0)) {
            foreign.push_back(role);
            grants.push_back(grant);
        }
    }
    const std::string otherwise = " Or set schema.owner and schema.grants to \"map\" (with [roles]) or \"none\".";
    if (!missing.empty())
        return context.error("target.roles",
                             fmt::format("roles that own or are granted selected objects are missing on the target: {}",
                                         some_of(missing)),
                             joined(creates) + otherwise);
    if (!foreign.empty())
        return context.error(
            "target.roles",
            fmt::format("the role {} is not a member of roles that own selected objects: {}", self, some_of(foreign)),
            joined(grants) + otherwise);
    context.ok("target.roles", needs.empty() ? "no owner and no grant is carried over"
                                             : fmt::format("{} roles exist on the target", needs.size()));
}

/// Members of an owner may alter its objects: their DDL runs on the target as the role of their name.
void check_members(PrecheckContext &context, pg::Session &target) {
    const auto &config = context.config;
    if (!context.source) return context.skipped("target.role_members", "the source cannot be reached");
    if (!config.incremental_stage || config.schema.owner == "none" || config.ddl.off() || !config.ddl.run_as.empty())
        return context.ok("target.role_members", "no DDL is executed as other roles");
    const auto needs = needs_of(context, *context.source);
    const auto there = roles_of(target);
    std::vector<std::string> members, statements;
    for (const auto &membership : source::read_members(*context.source)) {
        const auto role = target_name(config, RoleUse::Kind::owner, membership.role).value();
        const auto member = target_name(config, RoleUse::Kind::owner, membership.member).value();
        const auto need = needs.find(role);
        if (need == needs.end() || !need->second.owner || role == member || !there.contains(role)) continue;
        const bool missing = !there.contains(member);
        if (!missing && target.query("SELECT pg_catalog.pg_has_role($1, $2, 'MEMBER')", {member, role}).flag(0, 0))
            continue;
        if (std::ranges::find(members, member) == members.end()) {
            members.push_back(member);
            if (missing) statements.push_back(create_role(member, membership.can_login));
        }
        statements.push_back(fmt::format("GRANT {} TO {};", quote_identifier(role), quote_identifier(member)));
    }
    if (members.empty())
        return context.ok("target.role_members",
                          "whoever may alter selected objects on the source may do so on the target");
    context.warning(
        "target.role_members",
        fmt::format("these roles may alter selected objects on the source, and their DDL would fail on the target: {}",
                    some_of(members)),
        joined(statements));
}

/// Selected tables that belong to roles one need not trust, and whose rows run code when they are written.
std::vector<std::string> tables_with_code(pg::Session &session, const std::map<std::uint32_t, QualifiedName> &tables) {
    std::vector<std::uint32_t> oids;
    for (const auto &[oid, name] : tables) oids.push_back(oid);
    std::vector<std::string> found;
    for (const auto oid : target::tables_of_others(session, oids))
        if (target::runs_user_code(session, oid)) found.push_back(to_string(tables.at(oid)));
    return found;
}

std::map<std::uint32_t, QualifiedName> selected_on_target(const PrecheckContext &context, pg::Session &target) {
    std::map<QualifiedName, QualifiedName> sources;
    for (const auto &table : context.selected) sources.emplace(context.there(table), table.name);
    const auto rows = target.query(fmt::format("SELECT n.nspname, c.relname, c.oid FROM pg_catalog.pg_class c JOIN "
                                               "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN "
                                               "({})",
                                               context.schema_literals_there()));
    std::map<std::uint32_t, QualifiedName> tables;
    for (int row = 0; row < rows.rows(); ++row)
        if (const auto found = sources.find({rows.text(row, 0), rows.text(row, 1)}); found != sources.end())
            tables.emplace(static_cast<std::uint32_t>(rows.number(row, 2)), found->second);
    return tables;
}

std::vector<std::string> security_definers(const PrecheckContext &context, pg::Session &source) {
    const auto graph = source::read_object_graph(source);
    const auto closure = schema::select_objects(
        graph, wire::ObjectSelection(context.config.objects.include, context.config.objects.exclude));
    const auto rows =
        source.query("SELECT p.oid, p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p JOIN "
                     "pg_catalog.pg_roles r ON r.oid = p.proowner WHERE p.prosecdef AND p.oid >= 16384 AND "
                     "NOT r.rolsuper ORDER BY 2");
    std::vector<std::string> found;
    for (int row = 0; row < rows.rows(); ++row)
        if (closure.objects.contains({source::catalog_class::proc, static_cast<std::uint32_t>(rows.number(row, 0))}))
            found.push_back(rows.text(row, 1));
    return found;
}

/// Code of users must not run with the rights of walbridge's role.
void check_user_code(PrecheckContext &context, pg::Session &target) {
    const bool creates = context.config.schema_stage && !context.started;
    if (creates && !context.source) return context.skipped("target.user_code", "the source cannot be reached");
    std::vector<std::string> tables;
    if (creates) {
        std::map<std::uint32_t, QualifiedName> selected;
        for (const auto &table : context.selected) selected.emplace(table.oid, table.name);
        tables = tables_with_code(*context.source, selected);
    } else {
        tables = tables_with_code(target, selected_on_target(context, target));
    }
    if (creates && context.config.schema.owner == "none") {
        auto objects = security_definers(context, *context.source);
        objects.insert(objects.end(), tables.begin(), tables.end());
        if (objects.empty())
            return context.ok("target.user_code", "no object runs code of users with its owner's rights");
        return context.warning(
            "target.user_code",
            fmt::format("schema.owner = \"none\": these will belong to walbridge's role, and code of "
                        "their authors runs with its rights: {}",
                        some_of(objects)),
            "Set schema.owner = \"keep\" or \"map\", or use a role on the target that may do "
            "nothing else.");
    }
    if (tables.empty())
        return context.ok("target.user_code", "no selected table runs code of users when it is written");
    if (target::ActingRole(context.config, target).confines())
        return context.ok("target.user_code",
                          fmt::format("{} tables run code of users and are written as their owners", tables.size()));
    context.warning(
        "target.user_code",
        fmt::format("writing these tables runs code of their owners (constraints, expressions, triggers) "
                    "with the rights of walbridge's role: {}",
                    some_of(tables)),
        "As superuser in the target database: CREATE EXTENSION walbridge; (its package has to be installed).");
}

} // namespace

void check_roles(PrecheckContext &context) {
    static constexpr NamedCheck each[] = {{"target.roles", check_roles_of_target},
                                          {"target.role_members", check_members},
                                          {"target.user_code", check_user_code}};
    for (const auto &[id, check] : each) {
        if (!context.catalog_read)
            context.skipped(id, "the source's tables could not be read");
        else
            context.run(id, context.target, [&, check = check](pg::Session &session) { check(context, session); });
    }
}

} // namespace walbridge::task
