// fast_default.cpp: the values are cast to the column's type, as text that the server wrote itself.
#include "ddl/fast_default.hpp"

#include "ddl/name_place.hpp"

#include <algorithm>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

/// 'now' and its kin are literals whose meaning is fixed when the statement is read.
bool is_clock_word(const Node &node) {
    if (node.has_type_cast()) return is_clock_word(node.type_cast().arg());
    if (!node.has_a_const() || !node.a_const().has_sval()) return false;
    std::string text = node.a_const().sval().sval();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    for (const char *word : {"now", "today", "tomorrow", "yesterday"})
        if (text.find(word) != std::string::npos) return true;
    return false;
}

/// The value that the statement's own table got; a partitioned table has none, its partitions do.
const DdlMissingValue *value_for(const std::string &column, const DdlStatement &captured) {
    const DdlMissingValue *found = nullptr;
    for (const DdlMissingValue &value : captured.missing) {
        if (value.column != column) continue;
        if (found == nullptr || (captured.before && value.table == *captured.before)) found = &value;
    }
    return found;
}

Node constant(const std::string &value, const pg_query::TypeName &type) {
    Node node;
    auto &cast = *node.mutable_type_cast();
    cast.mutable_arg()->mutable_a_const()->mutable_sval()->set_sval(value);
    *cast.mutable_type_name() = type;
    return node;
}

pg_query::ParseResult set_default(const pg_query::ParseResult &frame, const pg_query::AlterTableStmt &original,
                                  const std::string &column, const Node *expression) {
    pg_query::ParseResult result;
    result.set_version(frame.version());
    auto &alter = *result.add_stmts()->mutable_stmt()->mutable_alter_table_stmt();
    *alter.mutable_relation() = original.relation();
    alter.set_objtype(original.objtype());
    auto &command = *alter.add_cmds()->mutable_alter_table_cmd();
    command.set_subtype(pg_query::AT_ColumnDefault);
    command.set_name(column);
    command.set_behavior(pg_query::DROP_RESTRICT);
    if (expression != nullptr) *command.mutable_def() = *expression;
    return result;
}

} // namespace

FastDefaults use_source_values(Node &statement, const DdlStatement &captured) {
    FastDefaults result;
    if (!statement.has_alter_table_stmt() || captured.missing.empty()) return result;
    auto &alter = *statement.mutable_alter_table_stmt();
    for (Node &node : *alter.mutable_cmds()) {
        if (node.alter_table_cmd().subtype() != pg_query::AT_AddColumn) continue;
        auto &column = *node.mutable_alter_table_cmd()->mutable_def()->mutable_column_def();
        const DdlMissingValue *value = value_for(column.colname(), captured);
        if (value == nullptr) continue;
        auto &constraints = *column.mutable_constraints();
        const auto wanted = std::find_if(constraints.begin(), constraints.end(), [](const Node &constraint) {
            return constraint.constraint().contype() == pg_query::CONSTR_DEFAULT;
        });
        if (wanted == constraints.end()) { // the default of its domain
            auto &added = *column.add_constraints()->mutable_constraint();
            added.set_contype(pg_query::CONSTR_DEFAULT);
            *added.mutable_raw_expr() = constant(value->value, column.type_name());
            result.afterwards.push_back(set_default({}, alter, column.colname(), nullptr));
            result.changed = true;
            continue;
        }
        auto &expression = *wanted->mutable_constraint()->mutable_raw_expr();
        const bool clock = is_clock_word(expression);
        const Node *inner = &expression;
        while (inner->has_type_cast()) inner = &inner->type_cast().arg();
        if (inner->has_a_const() && !clock) continue; // the same value on both sides
        if (!clock) result.afterwards.push_back(set_default({}, alter, column.colname(), &expression));
        expression = constant(value->value, column.type_name());
        result.changed = true;
    }
    return result;
}

} // namespace walbridge::ddl
