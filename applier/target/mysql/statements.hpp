// statements.hpp: the SQL text of every operation on a planned table of MySQL or MariaDB, values included. Pure
// functions.
//
// Set statements name at most as many rows as the caller gives them; how many of them are worth a statement is the
// caller's business.
#pragma once

#include "target/target.hpp"

#include <span>
#include <string>
#include <vector>

namespace walbridge::target::mysql {

/// Indexes into TablePlan::columns.
using ColumnList = std::vector<std::uint32_t>;

/// The columns of a planned row that carry a value (null included): those an UPDATE sets.
[[nodiscard]] ColumnList present_columns(const TablePlan &plan, Row row);

/// `FORCE INDEX (...)` of the lookup key, with a space before it; empty where rows are not found by a unique key. A
/// stale statistic must not turn a lookup into a scan, which would wait for every row that somebody else holds.
[[nodiscard]] std::string forced_index(const TablePlan &plan);

// Row statements: each hits one row at the most.
[[nodiscard]] std::string insert_row(const TablePlan &plan, Row row);
/// Sets the columns of `set` in the row that `old_row` finds; only proves that it is there where `set` is empty.
[[nodiscard]] std::string update_row(const TablePlan &plan, const ColumnList &set, Row old_row, Row new_row);
[[nodiscard]] std::string delete_row(const TablePlan &plan, Row old_row);
/// The condition (with LIMIT where several rows may match) that finds the row of an UPDATE or DELETE.
[[nodiscard]] std::string where_row(const TablePlan &plan, Row old_row);
/// `k1 = 1 AND k2 = 'x'` over the lookup key; empty where there is none.
[[nodiscard]] std::string key_condition(const TablePlan &plan, Row row);

// Set statements.
/// `INSERT INTO t (a, b) VALUES `, and a row for behind it: `(1, 'x')`.
[[nodiscard]] std::string insert_head(const TablePlan &plan);
void append_inserted(std::string &sql, const TablePlan &plan, Row row);
/// `k IN (1, 2)`, `(k1, k2) IN ((1, 'x'), (2, 'y'))`.
[[nodiscard]] std::string keys_condition(const TablePlan &plan, std::span<const Row> keys);
/// All rows set the same columns.
[[nodiscard]] std::string update_set(const TablePlan &plan, const ColumnList &set, std::span<const Row> keys,
                                     std::span<const Row> rows);
[[nodiscard]] std::string delete_set(const TablePlan &plan, std::span<const Row> keys);
/// One row for each row that has one of the keys, locked when `lock`.
[[nodiscard]] std::string find_set(const TablePlan &plan, std::span<const Row> keys, bool lock);

} // namespace walbridge::target::mysql
