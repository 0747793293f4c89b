// target_session.cpp: see target_session.hpp.
#include "schema/mysql/target_session.hpp"

#include "config/mysql_endpoint.hpp"

namespace walbridge::schema::mysql {

my::Session open_target(const TaskConfig &config, const std::string &what) {
    return {mysql_server(config),
            {.application_name = config.application_name(what),
             .settings = {{"foreign_key_checks", "0"}, {"innodb_lock_wait_timeout", "30"}}}};
}

} // namespace walbridge::schema::mysql
