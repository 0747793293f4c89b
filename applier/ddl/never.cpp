// never.cpp: what belongs to one cluster (roles, databases, tablespaces), to replication itself, or to data that is not
// in the WAL (foreign tables, large objects are not decoded).
#include "ddl/never.hpp"

#include <pg_query.pb.h>

#include <string_view>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

std::optional<std::string> by_type(pg_query::ObjectType type) {
    switch (type) {
    case pg_query::OBJECT_PUBLICATION:
    case pg_query::OBJECT_PUBLICATION_NAMESPACE:
    case pg_query::OBJECT_PUBLICATION_REL:
    case pg_query::OBJECT_SUBSCRIPTION:
        return "publications and subscriptions belong to the replication of one cluster";
    case pg_query::OBJECT_EVENT_TRIGGER:
        return "event triggers would run again on the target what is replicated anyway";
    case pg_query::OBJECT_FOREIGN_TABLE:
    case pg_query::OBJECT_FOREIGN_SERVER:
    case pg_query::OBJECT_FDW:
    case pg_query::OBJECT_USER_MAPPING:
        return "foreign tables and their servers are not replicated: their rows are elsewhere";
    case pg_query::OBJECT_LARGEOBJECT: return "large objects are not replicated";
    case pg_query::OBJECT_DATABASE:
    case pg_query::OBJECT_ROLE:
    case pg_query::OBJECT_TABLESPACE:
    case pg_query::OBJECT_PARAMETER_ACL: return "databases, roles, tablespaces and parameters belong to one cluster";
    default: return std::nullopt;
    }
}

} // namespace

std::optional<std::string> never_replicated(const std::string &tag) {
    const auto has = [&](std::string_view part) { return tag.find(part) != std::string::npos; };
    if (has("PUBLICATION") || has("SUBSCRIPTION")) return by_type(pg_query::OBJECT_PUBLICATION);
    if (has("EVENT TRIGGER")) return by_type(pg_query::OBJECT_EVENT_TRIGGER);
    if (has("FOREIGN") || has("SERVER") || has("USER MAPPING")) return by_type(pg_query::OBJECT_FOREIGN_SERVER);
    if (has("SECURITY LABEL")) return "security labels belong to a module that is loaded on one server";
    return std::nullopt;
}

std::optional<std::string> never_replicated(const Node &statement) {
    switch (statement.node_case()) {
    case Node::kCreatePublicationStmt:
    case Node::kAlterPublicationStmt:
    case Node::kCreateSubscriptionStmt:
    case Node::kAlterSubscriptionStmt:
    case Node::kDropSubscriptionStmt: return by_type(pg_query::OBJECT_PUBLICATION);
    case Node::kCreateEventTrigStmt:
    case Node::kAlterEventTrigStmt: return by_type(pg_query::OBJECT_EVENT_TRIGGER);
    case Node::kCreateForeignTableStmt:
    case Node::kImportForeignSchemaStmt:
    case Node::kCreateForeignServerStmt:
    case Node::kAlterForeignServerStmt:
    case Node::kCreateFdwStmt:
    case Node::kAlterFdwStmt:
    case Node::kCreateUserMappingStmt:
    case Node::kAlterUserMappingStmt:
    case Node::kDropUserMappingStmt: return by_type(pg_query::OBJECT_FOREIGN_TABLE);
    case Node::kSecLabelStmt: return "security labels belong to a module that is loaded on one server";
    case Node::kAlterTableMoveAllStmt: return "tablespaces belong to one cluster";
    case Node::kReindexStmt:
        if (statement.reindex_stmt().has_relation()) return std::nullopt;
        return "REINDEX of a schema or database repairs the storage of one cluster";
    case Node::kAlterTableStmt: return by_type(statement.alter_table_stmt().objtype());
    case Node::kDropStmt: return by_type(statement.drop_stmt().remove_type());
    case Node::kCommentStmt: return by_type(statement.comment_stmt().objtype());
    case Node::kGrantStmt: return by_type(statement.grant_stmt().objtype());
    case Node::kRenameStmt: return by_type(statement.rename_stmt().rename_type());
    case Node::kAlterOwnerStmt: return by_type(statement.alter_owner_stmt().object_type());
    case Node::kAlterObjectSchemaStmt: return by_type(statement.alter_object_schema_stmt().object_type());
    case Node::kTruncateStmt: return "TRUNCATE comes from the WAL record, not from its statement";
    case Node::kCreateRoleStmt:
    case Node::kAlterRoleStmt:
    case Node::kAlterRoleSetStmt:
    case Node::kDropRoleStmt:
    case Node::kGrantRoleStmt:
    case Node::kCreatedbStmt:
    case Node::kDropdbStmt:
    case Node::kAlterDatabaseStmt:
    case Node::kAlterDatabaseSetStmt:
    case Node::kCreateTableSpaceStmt:
    case Node::kDropTableSpaceStmt:
    case Node::kAlterTableSpaceOptionsStmt:
    case Node::kAlterSystemStmt: return by_type(pg_query::OBJECT_DATABASE);
    default: return std::nullopt;
    }
}

} // namespace walbridge::ddl
