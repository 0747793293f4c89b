// sync_task.hpp: the internal task that brings tables for a running one [M-07]: its configuration, made from the
// parent's, where it is stored, and its removal. It lives like any other task (runner.hpp): slot with exported
// snapshot, schema, copy, stream; its name, slot and state rows are its own, its replication origins belong to the
// parent.
//
// Stored is what a start needs to make it again: a row of walbridge.task with sync_of, its stages, and as its objects
// the tables.
#pragma once

#include "base/sql/session.hpp"
#include "config/task_config.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

/// `<parent>_sync_<number>`: longer than the names that files may give, below the 63 bytes of a slot's name.
[[nodiscard]] std::string sync_task_name(const std::string &parent, int number);

/// The same with the first number from `number` on that no other task of the target has.
[[nodiscard]] std::string free_sync_task_name(sql::Session &target, const std::string &parent, int number);

/// The parent's task file, reduced to these tables. `create`: their definitions are brought too; else they are there.
[[nodiscard]] TaskConfig sync_task_config(const TaskConfig &parent, const std::string &name,
                                          const std::vector<QualifiedName> &tables, bool create);

/// The sync tasks that are stored for the parent, as they were made.
[[nodiscard]] std::vector<TaskConfig> stored_sync_tasks(const TaskConfig &parent, sql::Session &target);

/// Stores it as the parent's; through the caller's transaction.
void store_sync_task(const TaskConfig &sync, sql::Session &target);

/// What the sync task's schema stage created, and which replica identities it set, the parent remembers from now on:
/// its reset and release go by them. Repeatable.
void inherit_from_sync_task(sql::Session &target, const TaskConfig &sync);

/// Removes slot and state of a sync task that has ended or never ran; what is gone already is no error. Its origins
/// stay: they are the parent's. `target` is not in a transaction.
void remove_sync_task(const TaskConfig &sync, sql::Session &target);

/// Slots of sync tasks of this parent on the source's database, also of those that the target knows nothing of.
[[nodiscard]] std::vector<std::string> sync_slots(pg::Session &source, const TaskConfig &parent);

/// Empties the sync task's tables on the target, in transactions behind the parent's fence: TRUNCATE where no foreign
/// key of the target refers to the table, else DELETE. Call only before it has copied anything.
void empty_tables(const TaskConfig &sync, const std::vector<QualifiedName> &source_names, std::uint64_t parent_epoch);

} // namespace walbridge::task
