// net_effect.hpp: what a run of changes to one table amounts to, per key: the bulk path's set operations.
//
// Inserts alone are a set whatever the plan; everything else needs a plan whose rows are found by a unique key. Tables
// with further unique keys keep the order of operations (runs of the same operation, no key twice in a run); the others
// collapse all changes of a key into one effect. Either way each change's own proof survives: a row that an UPDATE or
// DELETE needed must have been there, a row that an INSERT made must not.
#pragma once

#include "target/target.hpp"

#include <memory>
#include <memory_resource>
#include <vector>

namespace walbridge::apply {

/// One set operation. Rows and keys are planned rows: one value per planned column.
struct SetOperation {
    enum class Kind { absent, remove, update, insert } kind = Kind::insert;
    std::vector<target::Row> keys; ///< absent, remove, update
    std::vector<target::Row> rows; ///< update (all with the same columns present), insert
};

/// The operations in the order they must run, and the memory of rows that had to be made; others are the batch's own.
struct NetEffect {
    std::vector<SetOperation> operations;
    std::unique_ptr<std::pmr::monotonic_buffer_resource> memory;
};

/// nullopt when the changes cannot be expressed so (a key change with a value that did not travel): they go row by row.
[[nodiscard]] std::optional<NetEffect> net_effect(const target::TablePlan &plan,
                                                  std::span<const RowChange *const> changes);

} // namespace walbridge::apply
