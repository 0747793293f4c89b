// state_session.cpp: see state_session.hpp.
#include "target/state_session.hpp"

#include "base/mysql/session.hpp"
#include "base/postgres/session.hpp"
#include "config/mysql_endpoint.hpp"
#include "target/mysql/progress.hpp"
#include "target/postgres/progress.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target {
namespace {

std::unique_ptr<sql::Session> open_mysql(const TaskConfig &config, const std::string &application_name,
                                         const StateOptions &options) {
    my::ConnectOptions connect{.application_name = application_name, .settings = {}};
    if (const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.lock_timeout).count(); seconds > 0)
        for (const auto *setting : {"innodb_lock_wait_timeout", "lock_wait_timeout"})
            connect.settings.emplace_back(setting, std::to_string(seconds));
    return std::make_unique<my::Session>(mysql_server(config), connect);
}

std::unique_ptr<sql::Session> open_postgres(const TaskConfig &config, const std::string &application_name,
                                            const StateOptions &options) {
    return std::make_unique<pg::Session>(
        config.target.endpoint,
        pg::ConnectOptions{.application_name = application_name,
                           .replication = false,
                           .settings = {{"lock_timeout", std::to_string(options.lock_timeout.count())},
                                        {"statement_timeout", std::to_string(options.statement_timeout.count())},
                                        {"synchronous_commit", options.synchronous_commit ? "on" : "off"}}});
}

} // namespace

void create_progress(sql::Session &session, const std::string &task, Lsn position) {
    if (session.dialect() == sql::Dialect::mysql)
        return mysql::create_progress(static_cast<my::Session &>(session), task, position);
    postgres::create_progress(session, task, position);
}

std::optional<Progress> take_over(sql::Session &session, const std::string &task) {
    if (session.dialect() == sql::Dialect::mysql) return mysql::take_over(static_cast<my::Session &>(session), task);
    return postgres::take_over(session, task);
}

std::unique_ptr<sql::Session> open_state(const TaskConfig &config, const std::string &application_name,
                                         const StateOptions &options) {
    return is_mysql(config) ? open_mysql(config, application_name, options)
                            : open_postgres(config, application_name, options);
}

} // namespace walbridge::target
