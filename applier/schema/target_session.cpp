// target_session.cpp: see target_session.hpp.
#include "schema/target_session.hpp"

#include <fmt/format.h>

namespace walbridge::schema {

pg::Session open_target(const TaskConfig &config, const std::string &what) {
    pg::Session session(config.target.endpoint, {config.application_name(what),
                                                 false,
                                                 {{"lc_monetary", "C"},
                                                  {"xmloption", "content"},
                                                  {"check_function_bodies", "off"},
                                                  {"client_min_messages", "warning"},
                                                  {"lock_timeout", "30s"},
                                                  {"synchronous_commit", "off"}}});
    try {
        session.execute("SET session_replication_role = replica");
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42501") throw;
        const auto role = session.value("SELECT pg_catalog.quote_ident(current_user)").value_or("the_role");
        throw Error(ErrorKind::permission, "target role " + role, "it may not set session_replication_role",
                    session.server_version() >= 150000
                        ? fmt::format("GRANT SET ON PARAMETER session_replication_role TO {};", role)
                        : "Before PostgreSQL 15 the task's role on the target must be a superuser.");
    }
    return session;
}

void flush_commits(pg::Session &session, const TaskConfig &config, const sql::Fence &fence) {
    fence.around(session, [&] {
        session.execute("SET LOCAL synchronous_commit = local");
        // It must write something: a commit that has nothing to log waits for nothing.
        session.query("UPDATE walbridge.progress SET updated_at = now() WHERE task = $1", {config.name});
    });
}

} // namespace walbridge::schema
