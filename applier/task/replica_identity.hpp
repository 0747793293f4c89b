// replica_identity.hpp: gives tables without a usable replica identity REPLICA IDENTITY FULL, and puts the old one back
// (decision 14).
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"
#include "source/catalog.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// Whether an UPDATE or DELETE on the table can be told to anybody: FULL, or a usable key.
[[nodiscard]] bool identifiable(const source::Table &table);

/// The selected tables of the source.
[[nodiscard]] std::vector<source::Table> selected_tables(const TaskConfig &config, pg::Session &source,
                                                         source::Unlogged unlogged = source::Unlogged::leave_out);

/// A table that set_replica_identities() is going to change, and what puts its identity back.
struct IdentityToSet {
    QualifiedName table;
    std::string restoring;
};

/// Empty unless source.replica_identity is "set".
[[nodiscard]] std::vector<IdentityToSet> identities_to_set(const TaskConfig &config, pg::Session &source);

/// With source.replica_identity = "set":
/// ALTER TABLE ... REPLICA IDENTITY FULL under a short lock_timeout for every selected table that needs it; the
/// statement that restores the old identity is stored in the target first. Throws SqlError (a lock timeout is retried
/// by the caller).
void set_replica_identities(const TaskConfig &config, pg::Session &source, sql::Session &target);

/// The same for tables that were created, or renamed into the selection, while the task runs. With
/// source.replica_identity = "report" it only says which statement is needed. Does not throw: what is missing stops the
/// task at the first change that needs it.
void see_to_identities(const TaskConfig &config, sql::Session &target,
                       const std::vector<QualifiedName> &tables) noexcept;

/// The stored statements.
[[nodiscard]] std::vector<std::string> restoring_statements(const std::string &task, sql::Session &target);

/// Before the task is released: another task of this target that still follows the same source may live on identities
/// that this one set. It takes over what is to be restored, and its name is returned.
[[nodiscard]] std::optional<std::string> hand_over_identities(const std::string &task, sql::Session &target);

} // namespace walbridge::task
