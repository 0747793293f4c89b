// special_forms.cpp: see docs/ddl.md for the list with reasons.
#include "ddl/special_forms.hpp"

#include "dialect/postgres.hpp"

#include <pg_query.pb.h>

#include <algorithm>

namespace walbridge::ddl {

namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using pg_query::Node;

SpecialForm alter_table(pg_query::AlterTableStmt &alter) {
    SpecialForm form;
    for (Node &node : *alter.mutable_cmds()) {
        auto &command = *node.mutable_alter_table_cmd();
        switch (command.subtype()) {
        case pg_query::AT_SetUnLogged:
            form.refused = "the table leaves the WAL (SET UNLOGGED): its changes cannot be followed any more";
            form.remedy = "Set it to LOGGED on the source and copy it again, or leave it out of the selection.";
            break;
        case pg_query::AT_SetLogged:
            form.refused = "the table enters the WAL (SET LOGGED): the rows that it has were never sent";
            form.remedy = "Copy the table (restart it with the task), then dismiss the statement.";
            break;
        case pg_query::AT_DetachPartitionFinalize:
            // The statement that it finishes was interrupted, so that it was never sent.
            command.set_subtype(pg_query::AT_DetachPartition);
            form.changed = true;
            break;
        case pg_query::AT_DetachPartition:
            if (!command.def().partition_cmd().concurrent()) break;
            command.mutable_def()->mutable_partition_cmd()->set_concurrent(false);
            form.changed = true;
            break;
        default: break;
        }
    }
    return form;
}

bool is_concurrent(const pg_query::ReindexStmt &reindex) {
    return std::any_of(reindex.params().begin(), reindex.params().end(),
                       [](const Node &parameter) { return parameter.def_elem().defname() == "concurrently"; });
}

} // namespace

SpecialForm apply_special_form(Node &statement, const Selection &selection) {
    if (statement.has_alter_table_stmt()) return alter_table(*statement.mutable_alter_table_stmt());
    SpecialForm form;
    if (statement.has_index_stmt())
        form.own_transaction = statement.index_stmt().concurrent();
    else if (statement.has_drop_stmt())
        form.own_transaction = statement.drop_stmt().concurrent();
    else if (statement.has_reindex_stmt())
        form.own_transaction = is_concurrent(statement.reindex_stmt());
    else if (statement.has_refresh_mat_view_stmt() && statement.refresh_mat_view_stmt().concurrent()) {
        // It makes a temporary table, which the server refuses while the session acts as another role.
        statement.mutable_refresh_mat_view_stmt()->set_concurrent(false);
        form.changed = true;
    } else if (statement.has_grant_stmt() && statement.grant_stmt().targtype() == pg_query::ACL_TARGET_ALL_IN_SCHEMA) {
        for (const Node &schema : statement.grant_stmt().objects())
            if (!selection.schema(schema.string().sval()) && selection.touches(schema.string().sval())) {
                form.refused = "it grants rights on all objects of schema " + schema.string().sval() +
                               ", of which only a part is selected";
                form.remedy = "Grant them on the target's objects by name, then dismiss the statement.";
            }
    } else if ((statement.has_drop_owned_stmt() || statement.has_reassign_owned_stmt()) && !selection.everything()) {
        form.refused = "it concerns all objects of a role, of which only a part is selected";
        form.remedy = "Run it on the target for the objects that are meant, then dismiss the statement.";
    }
    return form;
}

std::vector<std::string> drops_by_cascade(const DdlStatement &statement, const Rules &rules, Resolver &resolver,
                                          const Selection &selection) {
    std::vector<std::string> commands;
    for (const DdlDropped &object : statement.dropped) {
        if (object.original || object.temporary) continue;
        const QualifiedName name{object.schema, object.name};
        if (object.type == "table" || object.type == "view" || object.type == "materialized view" ||
            object.type == "sequence") {
            const std::string name_of_class = object.type == "materialized view" ? "materialized-view" : object.type;
            if (!rules.classes.contains(name_of_class)) continue;
            if (object.type == "table" ? !selection.table(name) : !selection.member(name)) continue;
            const std::string kind = object.type == "table"               ? "TABLE"
                                     : object.type == "view"              ? "VIEW"
                                     : object.type == "materialized view" ? "MATERIALIZED VIEW"
                                                                          : "SEQUENCE";
            commands.push_back("DROP " + kind + " IF EXISTS " + quote(resolver.on_target(NameKind::relation, name)));
        } else if ((object.type == "table column" || object.type == "table constraint") &&
                   object.address_names.size() == 3) {
            const QualifiedName table{object.address_names[0], object.address_names[1]};
            if (!selection.table(table) || !rules.classes.contains("table")) continue;
            const bool is_dropped_whole =
                std::any_of(statement.dropped.begin(), statement.dropped.end(), [&](const DdlDropped &other) {
                    return other.type == "table" && other.schema == table.schema && other.name == table.name;
                });
            if (is_dropped_whole) continue;
            commands.push_back(
                "ALTER TABLE IF EXISTS " + quote(resolver.on_target(NameKind::relation, table)) +
                (object.type == "table column" ? " DROP COLUMN IF EXISTS " : " DROP CONSTRAINT IF EXISTS ") +
                quote_identifier(object.address_names[2]));
        }
    }
    return commands;
}

} // namespace walbridge::ddl
