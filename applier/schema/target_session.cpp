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

void in_transaction(pg::Session &session, const std::string &fence, const std::function<void()> &body) {
    try {
        session.execute("BEGIN; " + fence);
        body();
        session.execute("COMMIT");
    } catch (const SqlError &error) {
        session.rollback_quietly();
        if (error.sqlstate() == "WB001") throw Error(ErrorKind::fenced, "task", "another process took the task over");
        throw;
    } catch (...) {
        session.rollback_quietly();
        throw;
    }
}

void flush_commits(pg::Session &session, const TaskConfig &config, const std::string &fence) {
    in_transaction(session, fence, [&] {
        session.execute("SET LOCAL synchronous_commit = local");
        // It must write something: a commit that has nothing to log waits for nothing.
        session.query("UPDATE walbridge.progress SET updated_at = now() WHERE task = $1", {config.name});
    });
}

void copy_rows(pg::Session &session, const std::string &copy, const std::vector<std::vector<pg::Parameter>> &rows) {
    std::string text;
    const auto flush = [&] {
        if (PQputCopyData(session.raw(), text.data(), static_cast<int>(text.size())) != 1) session.raise(nullptr, copy);
        text.clear();
    };
    session.execute(copy);
    for (const auto &row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i > 0) text += '\t';
            if (!row[i]) {
                text += "\\N";
                continue;
            }
            for (const char c : *row[i]) switch (c) {
                case '\\': text += "\\\\"; break;
                case '\n': text += "\\n"; break;
                case '\r': text += "\\r"; break;
                case '\t': text += "\\t"; break;
                default: text += c;
                }
        }
        text += '\n';
        if (text.size() > 65536) flush();
    }
    if (!text.empty()) flush();
    if (PQputCopyEnd(session.raw(), nullptr) != 1) session.raise(nullptr, copy);
    const pg::Result result(PQgetResult(session.raw()));
    while (PGresult *more = PQgetResult(session.raw())) PQclear(more);
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) session.raise(result.raw(), copy);
}

} // namespace walbridge::schema
