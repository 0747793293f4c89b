// kind.hpp: which kind of target a task has.
#pragma once

#include "config/task_config.hpp"
#include "dialect/mysql/types.hpp"

namespace walbridge::target {

/// MySQL or MariaDB, as against PostgreSQL and its relatives.
[[nodiscard]] inline bool is_mysql(const TaskConfig &config) {
    return config.target.kind == "mysql" || config.target.kind == "mariadb";
}

/// Of such a target.
[[nodiscard]] inline dialect::mysql::Flavour flavour(const TaskConfig &config) {
    return config.target.kind == "mariadb" ? dialect::mysql::Flavour::mariadb : dialect::mysql::Flavour::mysql;
}

} // namespace walbridge::target
