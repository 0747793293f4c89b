// kept_objects.hpp: what the schema stage of a task created outlives a `reset`: the next life of the task uses it
// again.
#pragma once

#include "base/sql/session.hpp"

#include <set>
#include <string>

namespace walbridge::task {

/// Remembers the objects that the task's schema stage created. Inside the caller's transaction.
void keep_created_objects(sql::Session &target, const std::string &task);

/// Tables of the target (schema.name) that an earlier life of the task created and that are still there.
[[nodiscard]] std::set<std::string> kept_tables(sql::Session &target, const std::string &task);

/// Marks items of a new plan as done whose object is still there as an earlier life of the task created it. A kept
/// table that the source defines otherwise by now is dropped when it is empty and nothing depends on it, so that it is
/// created anew. Inside the caller's transaction.
void adopt_kept_objects(sql::Session &target, const std::string &task);

} // namespace walbridge::task
