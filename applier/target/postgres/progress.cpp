// progress.cpp: creating, taking over and guarding the progress row.
#include "target/postgres/progress.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

namespace walbridge::target::postgres {
namespace {

/// Ends sessions of this task that hold the row: their process is gone or was fenced, only the server does not know
/// yet.
void end_older_holders(sql::Session &session, const std::string &task) {
    const auto ended =
        session.ask("SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a "
                    "WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() "
                    "AND pg_catalog.starts_with(a.application_name, $1) AND a.xact_start IS NOT NULL",
                    {"walbridge_" + task + ":"});
    for (int row = 0; row < ended.rows(); ++row)
        log::warning("ended an older session of this task that still held its progress row",
                     {{"pid", ended.text(row, 0)}});
}

} // namespace

void create_progress(sql::Session &session, const std::string &task, Lsn position) {
    session.ask("INSERT INTO walbridge.progress (task, position) VALUES ($1, $2::pg_lsn) ON CONFLICT (task) DO NOTHING",
                {task, to_string(position)});
}

std::optional<Progress> take_over(sql::Session &session, const std::string &task, int patience_seconds) {
    const std::string take = "UPDATE walbridge.progress SET epoch = epoch + 1, updated_at = now() WHERE task = $1 "
                             "RETURNING epoch, position, counter";
    const auto read = [&]() -> std::optional<Progress> {
        const auto row = session.ask(take, {task});
        if (row.rows() == 0) return std::nullopt;
        return Progress{static_cast<std::uint64_t>(row.number(0, 0)), parse_lsn(row.text(0, 1)).value(),
                        static_cast<std::uint64_t>(row.number(0, 2))};
    };
    session.ask(fmt::format("SET lock_timeout = '{}s'", patience_seconds));
    for (int attempt = 0;; ++attempt) {
        try {
            auto progress = read();
            session.ask("SET lock_timeout = 0");
            return progress;
        } catch (const SqlError &error) {
            if (error.sqlstate() != "55P03" || attempt == 5) throw;
            end_older_holders(session, task);
        }
    }
}

} // namespace walbridge::target::postgres
