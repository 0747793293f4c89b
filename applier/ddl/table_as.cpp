// table_as.cpp: the column types come as text and are read by the parser, so that they can be mapped like any other.
#include "ddl/table_as.hpp"

#include "ddl/tree.hpp"
#include "dialect/postgres.hpp"

#include <pg_query.pb.h>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

/// INTO stands in the leftmost SELECT of a UNION.
const pg_query::SelectStmt *select_with_into(const pg_query::SelectStmt &select) {
    const pg_query::SelectStmt *at = &select;
    while (!at->has_into_clause() && at->has_larg()) at = &at->larg();
    return at->has_into_clause() ? at : nullptr;
}

const Node &below_explain(const Node &statement) {
    return statement.has_explain_stmt() ? statement.explain_stmt().query() : statement;
}

} // namespace

const pg_query::IntoClause *new_table_of_query(const Node &statement) {
    const Node &inner = below_explain(statement);
    if (inner.has_create_table_as_stmt())
        return inner.create_table_as_stmt().objtype() == pg_query::OBJECT_TABLE ? &inner.create_table_as_stmt().into()
                                                                                : nullptr;
    if (!inner.has_select_stmt()) return nullptr;
    const auto *select = select_with_into(inner.select_stmt());
    return select == nullptr ? nullptr : &select->into_clause();
}

std::optional<std::string> create_without_query(const DdlStatement &statement, const Node &original,
                                                pg_query::ParseResult &result) {
    const pg_query::IntoClause &into = *new_table_of_query(original);
    std::string text = "CREATE TABLE t (";
    const char *separator = "";
    for (const DdlColumn &column : statement.columns) {
        text += separator + dialect::postgres::quote_identifier(column.name) + " " + column.type;
        if (!column.collation.empty()) text += " COLLATE " + column.collation;
        separator = ", ";
    }
    text += ")";
    if (const auto error = parse(text, result)) return "its columns cannot be read: " + *error;
    if (result.stmts_size() != 1 || !result.stmts(0).stmt().has_create_stmt()) return "its columns cannot be read";
    auto &create = *result.mutable_stmts(0)->mutable_stmt()->mutable_create_stmt();
    *create.mutable_relation() = into.rel();
    create.mutable_relation()->clear_alias();
    create.set_access_method(into.access_method());
    *create.mutable_options() = into.options();
    create.set_tablespacename(into.table_space_name());
    const Node &inner = below_explain(original);
    create.set_if_not_exists(inner.has_create_table_as_stmt() && inner.create_table_as_stmt().if_not_exists());
    return std::nullopt;
}

} // namespace walbridge::ddl
