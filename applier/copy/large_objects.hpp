// large_objects.hpp: large objects, which neither a table's copy nor the stream carries: copied once, with owner,
// grants and comment, under their oids [O-20]. What is done stands in walbridge.large_object and commits together with
// the objects, so a copy that was killed goes on with those that are missing. Later changes cannot be followed; they
// can be found by comparing.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"
#include "copy/pass.hpp"
#include "source/snapshot.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::copy {

/// All of the database, by oid, as the session sees them.
[[nodiscard]] std::vector<std::uint32_t> list_large_objects(pg::Session &source);

/// Through the caller's transaction.
void store_large_objects(sql::Session &target, const std::string &task, const std::vector<std::uint32_t> &oids);

/// Copies what is missing, under the snapshot of `first` while that lives, else under one of its own. Objects that were
/// dropped meanwhile are forgotten. False: a stop was requested. Throws Error: copy_stage when the target has an object
/// of that oid that is not ours, permission when one may not be read or given its owner, fenced, connection (after the
/// retry window).
bool copy_large_objects(const LoadContext &context, source::ExportedSnapshot *first);

/// How the target's large objects stand to the source's as they are now.
struct LargeObjectDifferences {
    bool complete = true;               ///< false: there was no time for all
    std::size_t compared = 0;           ///< on the source
    std::vector<std::uint32_t> missing; ///< on the target
    std::vector<std::uint32_t> differing;
    std::vector<std::uint32_t> dropped; ///< on the source, after the task had copied them
    [[nodiscard]] bool none() const { return missing.empty() && differing.empty() && dropped.empty(); }
};

/// Reads every large object on both sides, where its digest is computed, until `until`. Both roles may read them. For a
/// switchover, and for precheck of a task that has begun.
[[nodiscard]] LargeObjectDifferences
compare_large_objects(pg::Session &source, pg::Session &target, const TaskConfig &config,
                      std::chrono::steady_clock::time_point until = std::chrono::steady_clock::time_point::max());

/// Removes those that the task copied from the target. Returns how many.
std::size_t unlink_large_objects(pg::Session &target, const std::string &task);

} // namespace walbridge::copy
