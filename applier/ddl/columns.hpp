// columns.hpp: statements about a table of which some columns have other names on the target, or do not travel.
//
// Statements that speak of one table are rewritten on the parse tree: what is said of a column that does not travel
// falls away. Where names of columns stand in a query (views, rules, policies with subqueries) nobody can tell without
// the catalogs whose they are: such statements are refused when a table they mention has columns of other names.
#pragma once

#include "base/qualified_name.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pg_query {
class Node;
class RangeVar;
} // namespace pg_query

namespace walbridge::ddl {

/// What the task makes of the columns of the source's tables. Any member may be empty: then it makes nothing of them.
struct ColumnRules {
    /// The column's name on the target; nullopt = it does not travel.
    std::function<std::optional<std::string>(const QualifiedName &table, const std::string &column)> on_target;
    /// The type that the target's column has by the task, in SQL; nullopt = the source's.
    std::function<std::optional<std::string>(const QualifiedName &table, const std::string &column)> type;
    /// Columns that only the target has, with their types in SQL; of a table that is being created.
    std::function<std::map<std::string, std::string>(const QualifiedName &table)> more;

    [[nodiscard]] bool empty() const { return !on_target; }
};

struct ColumnOutcome {
    bool changed = false;
    std::string nothing_left;         ///< why nothing is to be done; empty = something is
    std::string refused;              ///< why the statement cannot be executed; empty = it can
    std::vector<std::string> actions; ///< what follows ALTER TABLE in statements of their own behind it
};

/// The table of the source that a name in the statement means; nullopt = unknown.
using TableNamed = std::function<std::optional<QualifiedName>(const pg_query::RangeVar &)>;

/// `table`: what the statement is about, by its name on the source.
[[nodiscard]] ColumnOutcome shape_columns(pg_query::Node &statement, const QualifiedName &table,
                                          const ColumnRules &rules, const TableNamed &table_named);

/// The same for text of pg_dump, where every name is qualified; nullopt = as it is. Throws Error(schema_stage) that
/// names the statement when it is refused.
struct ShapedText {
    std::optional<std::string> text;
    std::string nothing_left;
};
[[nodiscard]] ShapedText shape_statement(const std::string &sql, const QualifiedName &table, const ColumnRules &rules);

} // namespace walbridge::ddl
