// state_session.hpp: sessions for the task's own state on the target, whatever kind of target it is.
#pragma once

#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "target/kind.hpp"
#include "target/progress.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace walbridge::target {

struct StateOptions {
    std::chrono::milliseconds lock_timeout{0};      ///< 0 = none
    std::chrono::milliseconds statement_timeout{0}; ///< 0 = none
    bool synchronous_commit = true;                 ///< false: a commit need not survive a crash of the server
};

/// Connects. Throws SqlError (connection, authentication, permission).
[[nodiscard]] std::unique_ptr<sql::Session> open_state(const TaskConfig &config, const std::string &application_name,
                                                       const StateOptions &options = {});

/// The progress row (target/progress.hpp) through a state session of the target.
/// Creates it with `position` when it does not exist yet (a slot was just created). Keeps an existing one.
void create_progress(sql::Session &session, const std::string &task, Lsn position);
/// Locks it, raises the epoch and returns what it holds; nullopt when the task has none. Waits for an older session's
/// COMMIT that is still under way; a session of the same task that stands in the way for long is ended: it lost its
/// client.
[[nodiscard]] std::optional<Progress> take_over(sql::Session &session, const std::string &task);

} // namespace walbridge::target
