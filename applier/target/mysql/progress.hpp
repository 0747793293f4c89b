// progress.hpp: creating, taking over and guarding the progress row (target/progress.hpp) on MySQL and MariaDB.
#pragma once

#include "base/mysql/session.hpp"
#include "target/progress.hpp"
#include "target/target.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace walbridge::target::mysql {

/// Creates the row with `position` when it does not exist yet (a slot was just created). Keeps an existing one.
void create_progress(my::Session &session, const std::string &task, Lsn position);

/// Locks the row, raises the epoch and returns what it holds; nullopt when the task has none. Waits for an older
/// session's COMMIT that is still under way; sessions of the same task (mark_session) that stand in the way longer than
/// `patience_seconds` are ended: they lost their client, since our own never wait inside an apply transaction.
std::optional<Progress> take_over(my::Session &session, const std::string &task, int patience_seconds = 5);

/// Makes the session known as one of the task, until it ends: every session that writes rows or positions. The server's
/// named locks serve as the list, because it shows them to everybody: no privilege is needed to find a session again.
void mark_session(my::Session &session, const std::string &task);

/// Moves the row on from what `before` says. Hits one row, or another process took the task over.
[[nodiscard]] std::string fence_sql(const std::string &task, const Progress &before, const CommitPosition &position);

/// A committed transaction has to be on disk: throws Error(task_state) naming the setting that has to be changed.
void demand_durable_commits(my::Session &session);

/// A time of the source as an expression of type DATETIME(6), UTC.
[[nodiscard]] std::string time_sql(SourceTime time);

} // namespace walbridge::target::mysql
