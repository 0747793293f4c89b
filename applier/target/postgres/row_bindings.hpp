// row_bindings.hpp: values of rows as statement parameters: single ones and arrays.
#pragma once

#include "target/postgres/pipeline.hpp"
#include "target/postgres/statements.hpp"
#include "target/target.hpp"

namespace walbridge::target {

/// Adds one parameter for `column`; the bytes are borrowed where its type allows. `unchanged` must not get here.
void bind_value(Bindings &bindings, const PlannedColumn &column, const Value &value);

/// True for types whose receive function takes the same bytes as their input function: name, text, json, bpchar,
/// varchar.
[[nodiscard]] bool receives_text(std::uint32_t type);

/// Element type of each listed column's array: the binary type of the first value present, else text.
/// nullopt when binary and text values are mixed in a column, which one array cannot hold.
std::optional<std::vector<std::uint32_t>> element_types(const TablePlan &plan, const statements::ColumnList &columns,
                                                        std::span<const Row> rows);

/// Adds one array per listed column.
void bind_arrays(Bindings &bindings, const std::vector<std::uint32_t> &types, const statements::ColumnList &columns,
                 std::span<const Row> rows);

/// The columns of a planned row that carry a value (null included): those an UPDATE sets.
statements::ColumnList present_columns(const TablePlan &plan, Row row);

} // namespace walbridge::target
