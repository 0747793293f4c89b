// statements.hpp: the SQL text of every operation on a planned table. Pure functions: plan and column choice in, text
// out.
//
// Two families. Row statements take one parameter per value ($1, $2 ...), each cast to its column's type, so that text
// goes through the type's input function and binary through its receive function. Set statements take one array per
// column and unnest them.
#pragma once

#include "target/table_plan.hpp"

#include <string>
#include <vector>

namespace walbridge::target::statements {

/// Indexes into TablePlan::columns.
using ColumnList = std::vector<std::uint32_t>;

// `also`: a further condition on the row, over its bare columns in row statements and over `t` in set statements;
// empty = none.

// Row statements. Parameters in the order of `columns`, then of the lookup.
[[nodiscard]] std::string insert_row(const TablePlan &plan, const ColumnList &columns);
/// `lookup_nulls`: per planned column, whether the old value is null (full-row lookup only).
[[nodiscard]] std::string update_row(const TablePlan &plan, const ColumnList &set,
                                     const std::vector<bool> &lookup_nulls, const std::string &also = {});
/// Deletes the row and inserts it again with the new values: the only way to change a GENERATED ALWAYS identity.
[[nodiscard]] std::string replace_row(const TablePlan &plan, const ColumnList &set,
                                      const std::vector<bool> &lookup_nulls, const std::string &also = {});
[[nodiscard]] std::string delete_row(const TablePlan &plan, const std::vector<bool> &lookup_nulls,
                                     const std::string &also = {});
/// A row `t` that a change meets: `shown` and `key` as JSON, and the transaction that wrote it, `writer`.
[[nodiscard]] std::string met_row(const TablePlan &plan);
/// The row that an update or delete finds, locked: `selected` over `t`.
[[nodiscard]] std::string find_row(const TablePlan &plan, const std::string &selected,
                                   const std::vector<bool> &lookup_nulls);
/// The columns that a lookup binds, in order.
[[nodiscard]] ColumnList lookup_columns(const TablePlan &plan, const std::vector<bool> &lookup_nulls);

// Set statements. The i-th listed column arrives as an array of elements of the i-th element type.
[[nodiscard]] std::string insert_set(const TablePlan &plan, const ColumnList &columns,
                                     const std::vector<std::uint32_t> &element_types);
/// Rows in binary COPY format.
[[nodiscard]] std::string copy_set(const TablePlan &plan, const ColumnList &columns);
[[nodiscard]] std::string update_set(const TablePlan &plan, const ColumnList &set,
                                     const std::vector<std::uint32_t> &element_types, const std::string &also = {});
[[nodiscard]] std::string delete_set(const TablePlan &plan, const std::vector<std::uint32_t> &element_types,
                                     const std::string &also = {});
[[nodiscard]] std::string count_set(const TablePlan &plan, const std::vector<std::uint32_t> &element_types,
                                    const std::string &also = {});

/// Tables that are emptied together, as one role (empty = the session's own).
struct Truncate {
    std::string acting_owner;
    std::string sql;
};
/// One statement, unless triggers make some tables be written as their owners. Never CASCADE: what the source truncated
/// along is in the list; what it did not must not vanish here.
[[nodiscard]] std::vector<Truncate> truncate(const std::vector<const TablePlan *> &plans, bool restart_identity);

/// A statement that fails unless it hits as many rows as its last parameter, number `parameter`, says.
[[nodiscard]] std::string proven(const std::string &sql, int parameter);

/// The target's table in FROM: ONLY for a plain table, whose rows are its own and not its inheritance children's; a
/// partitioned target spreads them over its leaves.
[[nodiscard]] std::string relation_of(const TablePlan &plan);

/// `$number` as a value of the column's type. A value of another built-in source type is read as that type and passes
/// through its text form.
[[nodiscard]] std::string typed_parameter(const PlannedColumn &column, std::size_t number);

/// `"schema"."type"`: never a keyword form, so that no modifier is implied (bit is not bit(1)).
[[nodiscard]] std::string type_of(const TargetColumn &column);

} // namespace walbridge::target::statements
