// repair.hpp: statements that make the target's rows like the source's. Pure functions.
#pragma once

#include "verify/table_pair.hpp"
#include "verify/verify.hpp"

#include <string>
#include <vector>

namespace walbridge::verify {

/// For one differing row, given the whole values of the sides that have it (in the order of table.columns).
[[nodiscard]] std::string repair_statement(const TablePair &table, const RowDifference &row,
                                           const std::vector<Text> &source, const std::vector<Text> &target);

/// The settings under which the statements mean what they say; as they are inside a transaction.
[[nodiscard]] std::string repair_settings();

/// Fails unless the target still stands where it was compared, and keeps the task's process from passing by.
[[nodiscard]] std::string guard_statement(const std::string &task, Lsn position);

/// A script for psql on the target.
[[nodiscard]] std::string repair_script(const TaskConfig &config, const Result &result);

/// The rows in an order in which unique keys are free when they are needed.
[[nodiscard]] std::vector<const RowDifference *> in_order(const std::vector<RowDifference> &rows);

} // namespace walbridge::verify
