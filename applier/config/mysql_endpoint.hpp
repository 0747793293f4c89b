// mysql_endpoint.hpp: where a task's MySQL or MariaDB target is.
#pragma once

#include "base/mysql/endpoint.hpp"
#include "config/task_config.hpp"

namespace walbridge {

/// As the task file gives it: sessions stand in the URL's database.
[[nodiscard]] inline my::Endpoint mysql_endpoint(const TaskConfig &config) {
    const auto &target = config.target.endpoint;
    return {target.role, target.url, target.password};
}

/// The same without a database: what the session works on may not exist yet, and is named in full.
[[nodiscard]] inline my::Endpoint mysql_server(const TaskConfig &config) {
    auto endpoint = mysql_endpoint(config);
    endpoint.url = my::with_database(endpoint.url, "");
    return endpoint;
}

} // namespace walbridge
