// sync_handover.hpp: the moment in which tables go over from a sync task to its parent: one transaction on the target.
// The parent stands at M; the sync task holds everything up to P >= M. From then on the parent's stream selects the
// tables, begins at M, and passes over their changes below P (table sync state): no change is missed or made twice.
#pragma once

#include "base/lsn.hpp"
#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "schema/item.hpp"
#include "target/progress.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

struct HandOver {
    Lsn position;      ///< P
    bool load = false; ///< tables of the new selection are nobody's yet: the parent goes back to its initial load
};

/// `parent`: as in the task file. `progress`: the parent's, just taken over through `control`, the session that holds
/// its lock. nullopt, and nothing was written: the sync task is not as far as the parent, or a transaction of it is
/// half done; it goes on. Its process is fenced by the hand-over whatever it does. Throws Error, SqlError; then nothing
/// was written either, or the COMMIT had no answer and what is stored tells.
[[nodiscard]] std::optional<HandOver> hand_over(const TaskConfig &parent, const TaskConfig &sync, int command,
                                                sql::Session &control, const target::Progress &progress);

/// Foreign keys between tables that were handed over and others wait until both stand at the same position: open items
/// of walbridge.schema_item, created by this. What fails is said by the log with its statement, noted with the command
/// that brought the table, and not tried again. Does nothing while the parent has not come far enough,
/// and returns false: they still wait.
[[nodiscard]] bool create_waiting_foreign_keys(const TaskConfig &parent, sql::Session &target, std::uint64_t epoch);

} // namespace walbridge::task
