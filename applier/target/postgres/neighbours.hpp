// neighbours.hpp: the tasks that write into a database, as its walbridge.task tells, and which databases they come
// from. What a task has to know of others: whose changes must not travel back, and who writes the same tables.
#pragma once

#include "base/postgres/session.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::target {

/// A database wherever its server is reached from.
struct DatabaseId {
    std::string system; ///< identifier of the cluster
    std::uint32_t oid = 0;
    bool operator==(const DatabaseId &) const = default;
};

/// Of the database the session is in.
[[nodiscard]] DatabaseId identify(pg::Session &session);

/// A task that writes into the database, and follows (or will) changes of another.
struct Neighbour {
    std::string task, state;
    std::string source_database; ///< its name
    std::string reverse_of;      ///< the task it is the way back of; empty = none
    std::string objects;         ///< selection and renames as JSON (task/state_store.hpp); empty = an older walbridge
};

struct Neighbours {
    bool readable = true; ///< false: the role may not read walbridge's state there
    std::vector<Neighbour> tasks;
};

/// The tasks that bring changes of `source` into the session's database and have not ended. By name. Those that bring
/// tables for another one are left out: they write under its origins, and it writes none of their tables.
[[nodiscard]] Neighbours neighbours_from(pg::Session &session, const DatabaseId &source);

/// Notes on a task's own row which task is its way back, unless one is noted.
void note_way_back(pg::Session &target, const std::string &task, const std::string &way_back);

/// The task whose sessions use the replication origin of that name; empty when it is none of walbridge's.
[[nodiscard]] std::string task_of_origin(std::string_view origin);

} // namespace walbridge::target
