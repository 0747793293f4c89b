// row_sql.hpp: one row of a table by its values as text: what conditions find it, and how values are read without
// running code of users (a type's output function, never a cast that somebody made).
#pragma once

#include "base/postgres/session.hpp"
#include "change/name_map.hpp"
#include "target/table.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walbridge::task {

/// What the source calls a table of the target.
[[nodiscard]] QualifiedName name_on_source(const NameMap &names, const QualifiedName &target);

/// Values in the text form of their types; the columns belong to a TargetTable that lives longer.
using RowValues = std::vector<std::pair<const target::TargetColumn *, pg::Parameter>>;

[[nodiscard]] const target::TargetColumn *find_column(const target::TargetTable &table, std::string_view name);
[[nodiscard]] const pg::Parameter *find_value(const RowValues &values, std::string_view column);

/// `$<number>` as a value of the column's type.
[[nodiscard]] std::string typed_parameter(const target::TargetColumn &column, std::size_t number);

/// The text of an expression; NULL where it is NULL.
[[nodiscard]] std::string text_of(const std::string &expression);

/// FROM item: a plain table alone, a partitioned one with its partitions.
[[nodiscard]] std::string relation_of(const target::TargetTable &table);

/// A condition over the columns of `t` with its parameters, the first of which is $1.
struct RowCondition {
    std::string sql; ///< empty = no row can match
    std::vector<pg::Parameter> parameters;
};

/// Rows that hold the values of this unique key; empty when `values` lack a column of it or nothing can collide.
[[nodiscard]] RowCondition by_key(const target::TargetKey &key, const RowValues &values);

/// The row with these values: by a unique key that they hold, else by the text of all of them.
[[nodiscard]] RowCondition by_values(const target::TargetTable &table, const RowValues &values);

} // namespace walbridge::task
