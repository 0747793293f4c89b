// progress.hpp: creating, taking over and guarding the progress row (target/progress.hpp) on a PostgreSQL target.
#pragma once

#include "base/lsn.hpp"
#include "base/sql/session.hpp"
#include "target/progress.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace walbridge::target::postgres {

/// Creates the row with `position` when it does not exist yet (a slot was just created). Keeps an existing one.
void create_progress(sql::Session &session, const std::string &task, Lsn position);

/// Locks the row, raises the epoch and returns what it holds; nullopt when the task has none. Waits for an older
/// session's COMMIT that is still under way; a session of the same task that holds the lock longer than
/// `patience_seconds` is terminated (it lost its client: our own sessions never wait inside an apply transaction).
std::optional<Progress> take_over(sql::Session &session, const std::string &task, int patience_seconds = 5);

} // namespace walbridge::target::postgres
