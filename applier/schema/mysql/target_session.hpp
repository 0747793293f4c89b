// target_session.hpp: sessions of the initial load on MySQL and MariaDB: foreign keys stay quiet. Triggers cannot be
// silenced there: they are created at the switchover.
#pragma once

#include "base/mysql/session.hpp"
#include "config/task_config.hpp"

#include <string>

namespace walbridge::schema::mysql {

/// Opens a session named `what`, without a database. Throws SqlError.
[[nodiscard]] my::Session open_target(const TaskConfig &config, const std::string &what);

} // namespace walbridge::schema::mysql
