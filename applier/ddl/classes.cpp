// classes.cpp: the classes of `ddl.classes`.
#include "ddl/decision.hpp"
#include "ddl/subjects.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace walbridge::ddl {

using pg_query::Node;

const std::vector<std::string> &class_names() {
    static const std::vector<std::string> names = {
        "table", "index",   "sequence", "view",   "materialized-view", "function", "aggregate", "operator", "cast",
        "type",  "trigger", "rule",     "policy", "statistics",        "comment",  "grant",     "schema",   "extension",
        "other"};
    return names;
}

std::string class_of(pg_query::ObjectType type) {
    switch (type) {
    case pg_query::OBJECT_TABLE:
    case pg_query::OBJECT_COLUMN:
    case pg_query::OBJECT_DEFAULT:
    case pg_query::OBJECT_TABCONSTRAINT: return "table";
    case pg_query::OBJECT_INDEX: return "index";
    case pg_query::OBJECT_SEQUENCE: return "sequence";
    case pg_query::OBJECT_VIEW: return "view";
    case pg_query::OBJECT_MATVIEW: return "materialized-view";
    case pg_query::OBJECT_FUNCTION:
    case pg_query::OBJECT_PROCEDURE:
    case pg_query::OBJECT_ROUTINE: return "function";
    case pg_query::OBJECT_AGGREGATE: return "aggregate";
    case pg_query::OBJECT_OPERATOR:
    case pg_query::OBJECT_OPCLASS:
    case pg_query::OBJECT_OPFAMILY:
    case pg_query::OBJECT_AMOP:
    case pg_query::OBJECT_AMPROC: return "operator";
    case pg_query::OBJECT_CAST: return "cast";
    case pg_query::OBJECT_TYPE:
    case pg_query::OBJECT_DOMAIN:
    case pg_query::OBJECT_DOMCONSTRAINT:
    case pg_query::OBJECT_ATTRIBUTE: return "type";
    case pg_query::OBJECT_TRIGGER: return "trigger";
    case pg_query::OBJECT_RULE: return "rule";
    case pg_query::OBJECT_POLICY: return "policy";
    case pg_query::OBJECT_STATISTIC_EXT: return "statistics";
    case pg_query::OBJECT_SCHEMA: return "schema";
    case pg_query::OBJECT_EXTENSION: return "extension";
    default: return "other";
    }
}

std::string class_of(const Node &statement, pg_query::ObjectType type) {
    switch (statement.node_case()) {
    case Node::kCommentStmt: return "comment";
    case Node::kGrantStmt:
    case Node::kAlterDefaultPrivilegesStmt: return "grant";
    case Node::kRefreshMatViewStmt: return "materialized-view";
    case Node::kCreateCastStmt: return "cast";
    case Node::kCreateExtensionStmt:
    case Node::kAlterExtensionStmt:
    case Node::kAlterExtensionContentsStmt: return "extension";
    case Node::kCreateSchemaStmt: return "schema";
    default: return class_of(type);
    }
}

std::string class_of_tag(const std::string &tag) {
    // Longer tags first: the first one that is a part of the tag decides.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 33> parts = {{
        {"COMMENT", "comment"},
        {"GRANT", "grant"},
        {"REVOKE", "grant"},
        {"DEFAULT PRIVILEGES", "grant"},
        {"MATERIALIZED VIEW", "materialized-view"},
        {"FOREIGN TABLE", "other"},
        {"FOREIGN DATA WRAPPER", "other"},
        {"TABLESPACE", "other"},
        {"EVENT TRIGGER", "other"},
        {"TEXT SEARCH", "other"},
        {"USER MAPPING", "other"},
        {"TABLE", "table"},
        {"SELECT INTO", "table"},
        {"INDEX", "index"},
        {"SEQUENCE", "sequence"},
        {"VIEW", "view"},
        {"AGGREGATE", "aggregate"},
        {"FUNCTION", "function"},
        {"PROCEDURE", "function"},
        {"ROUTINE", "function"},
        {"OPERATOR", "operator"},
        {"CAST", "cast"},
        {"TYPE", "type"},
        {"DOMAIN", "type"},
        {"CONSTRAINT", "type"},
        {"TRIGGER", "trigger"},
        {"RULE", "rule"},
        {"POLICY", "policy"},
        {"STATISTICS", "statistics"},
        {"SCHEMA", "schema"},
        {"EXTENSION", "extension"},
        {"TRANSFORM", "other"},
        {"LANGUAGE", "other"},
    }};
    for (const auto &[part, name] : parts)
        if (tag.find(part) != std::string::npos) return std::string(name);
    return "other";
}

} // namespace walbridge::ddl
