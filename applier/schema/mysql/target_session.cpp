// target_session.cpp: see target_session.hpp.
#include "schema/mysql/target_session.hpp"

namespace walbridge::schema::mysql {

my::Session open_target(const TaskConfig &config, const std::string &what) {
    const auto &endpoint = config.target.endpoint;
    return {my::Endpoint{endpoint.role, my::with_database(endpoint.url, ""), endpoint.password},
            {.application_name = config.application_name(what),
             .settings = {{"foreign_key_checks", "0"}, {"innodb_lock_wait_timeout", "30"}}}};
}

} // namespace walbridge::schema::mysql
