// net_effect.hpp: what a run of changes to one table amounts to, per key: the bulk path's set operations.
//
// Only for plans whose rows are found by a unique key. Tables with further unique keys keep the order of operations
// (runs of the same operation, no key twice in a run); the others collapse all changes of a key into one effect. Either
// way each change's own proof survives: a row that an UPDATE or DELETE needed must have been there, a row that an
// INSERT made must not.
#pragma once

#include "target/target.hpp"

#include <deque>
#include <vector>

namespace walbridge::apply {

/// One set operation. Rows and keys are planned rows: one value per planned column.
struct SetOperation {
    enum class Kind { absent, remove, update, insert } kind = Kind::insert;
    std::vector<target::Row> keys; ///< absent, remove, update
    std::vector<target::Row> rows; ///< update (all with the same columns present), insert
};

/// The operations in the order they must run, and the memory of the rows they refer to.
struct NetEffect {
    std::vector<SetOperation> operations;
    std::deque<std::vector<Value>> rows; ///< planned rows; a deque so that spans stay valid
};

/// nullopt when the changes cannot be expressed so (a key change with a value that did not travel): they go row by row.
[[nodiscard]] std::optional<NetEffect> net_effect(const target::TablePlan &plan,
                                                  const std::vector<const RowChange *> &changes);

} // namespace walbridge::apply
