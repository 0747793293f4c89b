// state_session.hpp: sessions for the task's own state on the target, whatever kind of target it is.
#pragma once

#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "dialect/mysql/types.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace walbridge::target {

struct StateOptions {
    std::chrono::milliseconds lock_timeout{0};      ///< 0 = none
    std::chrono::milliseconds statement_timeout{0}; ///< 0 = none
    bool synchronous_commit = true;                 ///< false: a commit need not survive a crash of the server
};

/// Whether the task's target is MySQL or MariaDB.
[[nodiscard]] inline bool is_mysql(const TaskConfig &config) {
    return config.target.kind == "mysql" || config.target.kind == "mariadb";
}

/// Of such a target.
[[nodiscard]] inline dialect::mysql::Flavour flavour(const TaskConfig &config) {
    return config.target.kind == "mariadb" ? dialect::mysql::Flavour::mariadb : dialect::mysql::Flavour::mysql;
}

/// Connects. Throws SqlError (connection, authentication, permission).
[[nodiscard]] std::unique_ptr<sql::Session> open_state(const TaskConfig &config, const std::string &application_name,
                                                       const StateOptions &options = {});

} // namespace walbridge::target
