// existing_tables.hpp: which of the selected tables the target has before a task begins, and whether they hold rows
// [O-09].
#pragma once

#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "copy/chunk.hpp"
#include "source/catalog.hpp"

#include <map>
#include <string>
#include <vector>

namespace walbridge::copy {

struct FoundTable {
    Existing existing = Existing::empty;
    std::vector<std::vector<std::string>> keys; ///< columns of each unique index; "" for an expression
};

/// Whether pieces of the table may arrive under snapshots of different times: its rows on the target are told apart by
/// the column that cuts it and nothing else. By another key, a row of a younger piece may meet one that an older piece
/// brought, and be taken for one that the target had before.
[[nodiscard]] bool may_be_cut(const source::Table &table, const FoundTable &there, const NameMap &names);

/// By their names on the target; empty unless objects.existing is "proceed". Opens a session on the target. `source`:
/// in the transaction that plans.
[[nodiscard]] std::map<QualifiedName, FoundTable> find_existing(const TaskConfig &config, pg::Session &source);

/// Takes out of the stored plan what the schema stage would create for tables that are there: they stay as they are.
/// Through the caller's open transaction, after the objects of an earlier life of the task were taken over.
void leave_definitions(sql::Session &target, const std::string &task, const std::vector<QualifiedName> &existing);

} // namespace walbridge::copy
