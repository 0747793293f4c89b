// expressions.cpp: the list is in the header; where in doubt, yes.
#include "ddl/expressions.hpp"

#include "ddl/name_place.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

/// Types that the server brings. None is a domain.
bool is_built_in(const pg_query::TypeName &type, bool catalog_first) {
    static const std::set<std::string> names = {
        "bool",      "int2",        "int4",      "int8",     "float4",   "float8",    "numeric",   "text",
        "varchar",   "bpchar",      "char",      "name",     "bytea",    "date",      "time",      "timetz",
        "timestamp", "timestamptz", "interval",  "uuid",     "json",     "jsonb",     "xml",       "bit",
        "varbit",    "inet",        "cidr",      "macaddr",  "macaddr8", "oid",       "regclass",  "money",
        "point",     "box",         "line",      "lseg",     "path",     "polygon",   "circle",    "tsvector",
        "tsquery",   "int4range",   "int8range", "numrange", "tsrange",  "tstzrange", "daterange", "serial",
        "bigserial", "smallserial", "serial2",   "serial4",  "serial8",  "pg_lsn",    "jsonpath",  "int4multirange"};
    const auto parts = strings(type.names());
    if (parts.size() == 2) return parts[0] == "pg_catalog" && names.contains(parts[1]);
    return catalog_first && parts.size() == 1 && names.contains(parts[0]);
}

/// 5, 'x', NULL, 'x'::text, -5.
bool is_literal(const Node &node, bool catalog_first) {
    if (node.has_a_const()) return true;
    if (node.has_type_cast())
        return is_literal(node.type_cast().arg(), catalog_first) &&
               is_built_in(node.type_cast().type_name(), catalog_first);
    return false;
}

bool new_column_evaluates(const pg_query::ColumnDef &column, bool catalog_first) {
    if (!is_built_in(column.type_name(), catalog_first)) return true;
    return std::any_of(column.constraints().begin(), column.constraints().end(), [&](const Node &node) {
        switch (node.constraint().contype()) {
        case pg_query::CONSTR_DEFAULT: return !is_literal(node.constraint().raw_expr(), catalog_first);
        case pg_query::CONSTR_GENERATED:
        case pg_query::CONSTR_CHECK:
        case pg_query::CONSTR_EXCLUSION:
        case pg_query::CONSTR_FOREIGN: return true;
        default: return false;
        }
    });
}

bool new_constraint_evaluates(const pg_query::Constraint &constraint) {
    switch (constraint.contype()) {
    case pg_query::CONSTR_CHECK:
    case pg_query::CONSTR_FOREIGN:
    case pg_query::CONSTR_EXCLUSION: return !constraint.skip_validation();
    default: return false;
    }
}

bool command_evaluates(const pg_query::AlterTableCmd &command, bool catalog_first) {
    switch (command.subtype()) {
    case pg_query::AT_AddColumn: return new_column_evaluates(command.def().column_def(), catalog_first);
    case pg_query::AT_AddConstraint: return new_constraint_evaluates(command.def().constraint());
    case pg_query::AT_ValidateConstraint:
    case pg_query::AT_AlterColumnType:
    case pg_query::AT_SetAccessMethod:
    case pg_query::AT_AttachPartition: return true;
    default: return false;
    }
}

bool has_bound_to_evaluate(const pg_query::CreateStmt &table) {
    return table.has_partbound() && !table.partbound().is_default() && table.partbound().strategy() != "h";
}

bool index_evaluates(const pg_query::IndexStmt &index) {
    return index.has_where_clause() ||
           std::any_of(index.index_params().begin(), index.index_params().end(),
                       [](const Node &parameter) { return parameter.index_elem().has_expr(); });
}

bool has_foreign_validator(const pg_query::CreateFunctionStmt &function) {
    static const std::set<std::string> own = {"internal", "c", "sql", "plpgsql"};
    return std::any_of(function.options().begin(), function.options().end(), [](const Node &option) {
        return option.def_elem().defname() == "language" && !own.contains(option.def_elem().arg().string().sval());
    });
}

bool domain_evaluates(const pg_query::AlterDomainStmt &domain) {
    if (domain.subtype() == "C") return !domain.def().constraint().skip_validation();
    return domain.subtype() == "V" || domain.subtype() == "O"; // VALIDATE, SET NOT NULL
}

bool has_initial_value(const pg_query::DefineStmt &definition) {
    return definition.kind() == pg_query::OBJECT_AGGREGATE &&
           std::any_of(definition.definition().begin(), definition.definition().end(), [](const Node &node) {
               const std::string &name = node.def_elem().defname();
               return name == "initcond" || name == "minitcond" || name == "initcond1";
           });
}

} // namespace

bool may_run_user_code(const Node &statement, bool catalog_first) {
    switch (statement.node_case()) {
    case Node::kAlterTableStmt: {
        const pg_query::ObjectType kind = statement.alter_table_stmt().objtype();
        if (kind == pg_query::OBJECT_TYPE || kind == pg_query::OBJECT_INDEX) return false; // only tables hold rows
        const auto &commands = statement.alter_table_stmt().cmds();
        return std::any_of(commands.begin(), commands.end(), [&](const Node &command) {
            return command_evaluates(command.alter_table_cmd(), catalog_first);
        });
    }
    case Node::kCreateStmt: return has_bound_to_evaluate(statement.create_stmt());
    case Node::kIndexStmt: return index_evaluates(statement.index_stmt());
    case Node::kReindexStmt:
    case Node::kCreateExtensionStmt:
    case Node::kAlterExtensionStmt:
    case Node::kCreatePlangStmt: return true;
    case Node::kCreateTableAsStmt: return !statement.create_table_as_stmt().into().skip_data();
    case Node::kRefreshMatViewStmt: return !statement.refresh_mat_view_stmt().skip_data();
    case Node::kAlterDomainStmt: return domain_evaluates(statement.alter_domain_stmt());
    case Node::kDefineStmt: return has_initial_value(statement.define_stmt());
    case Node::kCreateFunctionStmt: return has_foreign_validator(statement.create_function_stmt());
    case Node::kCreateSchemaStmt: {
        const auto &elements = statement.create_schema_stmt().schema_elts();
        return std::any_of(elements.begin(), elements.end(),
                           [&](const Node &element) { return may_run_user_code(element, catalog_first); });
    }
    default: return false;
    }
}

} // namespace walbridge::ddl
