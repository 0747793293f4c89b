// roles.cpp: CURRENT_USER and its kin stay: the statement runs as the mapped role.
#include "ddl/roles.hpp"

#include "ddl/tree.hpp"

#include <google/protobuf/message.h>
#include <pg_query.pb.h>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

bool rename_roles(Node &statement, const RoleRules &rules) {
    bool changed = false;
    walk(statement, [&](google::protobuf::Message &part) {
        auto *role = dynamic_cast<pg_query::RoleSpec *>(&part);
        if (role == nullptr || role->roletype() != pg_query::ROLESPEC_CSTRING) return true;
        const auto found = rules.names.find(role->rolename());
        if (found != rules.names.end() && found->second != role->rolename()) {
            role->set_rolename(found->second);
            changed = true;
        }
        return false;
    });
    return changed;
}

RoleOutcome leave_out_owner(Node &statement) {
    const std::string reason = "owners are not replicated (schema.owner = \"none\")";
    RoleOutcome outcome;
    if (statement.has_alter_owner_stmt() || statement.has_reassign_owned_stmt())
        return {.changed = true, .nothing_left = true, .reason = reason};
    if (statement.has_alter_table_stmt()) {
        auto &commands = *statement.mutable_alter_table_stmt()->mutable_cmds();
        for (int i = commands.size() - 1; i >= 0; --i) {
            if (commands[i].alter_table_cmd().subtype() != pg_query::AT_ChangeOwner) continue;
            commands.DeleteSubrange(i, 1);
            outcome.changed = true;
        }
        if (commands.empty()) return {.changed = true, .nothing_left = true, .reason = reason};
    }
    if (statement.has_create_schema_stmt() && statement.create_schema_stmt().has_authrole()) {
        statement.mutable_create_schema_stmt()->clear_authrole();
        outcome.changed = true;
    }
    return outcome;
}

RoleOutcome leave_out_grants(Node &statement) {
    RoleOutcome outcome;
    if (statement.has_grant_stmt() || statement.has_alter_default_privileges_stmt())
        return {
            .changed = true, .nothing_left = true, .reason = "grants are not replicated (schema.grants = \"none\")"};
    if (statement.has_create_schema_stmt()) {
        auto &elements = *statement.mutable_create_schema_stmt()->mutable_schema_elts();
        for (int i = elements.size() - 1; i >= 0; --i) {
            if (!elements[i].has_grant_stmt()) continue;
            elements.DeleteSubrange(i, 1);
            outcome.changed = true;
        }
    }
    return outcome;
}

} // namespace

RoleOutcome apply_role_rules(Node &statement, const RoleRules &rules) {
    RoleOutcome outcome;
    if (!rules.owners) {
        const RoleOutcome owner = leave_out_owner(statement);
        if (owner.nothing_left) return owner;
        outcome.changed = outcome.changed || owner.changed;
    }
    if (!rules.grants) {
        const RoleOutcome grants = leave_out_grants(statement);
        if (grants.nothing_left) return grants;
        outcome.changed = outcome.changed || grants.changed;
    }
    outcome.changed = rename_roles(statement, rules) || outcome.changed;
    return outcome;
}

} // namespace walbridge::ddl
