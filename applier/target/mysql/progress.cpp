// progress.cpp: the progress row in MySQL's SQL.
#include "target/mysql/progress.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace walbridge::target::mysql {
namespace {

using my::quote_literal;

/// Sessions of one task that may be found again at the same time.
constexpr int most_marks = 100;
constexpr int most_attempts = 5;
constexpr std::chrono::minutes longest_end{10};

std::string mark(const std::string &task, int number) { return fmt::format("walbridge:{}:{}", task, number); }

/// Ends the task's sessions: their process is gone or was fenced, only the server does not know yet. How many there
/// were.
int end_older_sessions(my::Session &session, const std::string &task) {
    std::string sql;
    for (int number = 0; number < most_marks; ++number)
        sql += fmt::format("{}SELECT IS_USED_LOCK({}) AS holder", number == 0 ? "" : " UNION ALL ",
                           quote_literal(mark(task, number)));
    const auto holders =
        session.query(fmt::format("SELECT DISTINCT holder FROM ({}) AS marks WHERE holder IS NOT NULL AND holder <> "
                                  "CONNECTION_ID()",
                                  sql));
    for (int row = 0; row < holders.rows(); ++row)
        if (my::kill(session, static_cast<unsigned long long>(holders.number(row, 0))))
            log::warning("ended an older session of this task", {{"connection", holders.text(row, 0)}});
    return holders.rows();
}

/// The server goes on with a statement whose client is gone, and takes back what it is made to leave. Until then nobody
/// can tell whether DDL was executed.
void await_older_sessions(my::Session &session, const std::string &task) {
    const auto deadline = std::chrono::steady_clock::now() + longest_end;
    while (end_older_sessions(session, task) != 0) {
        if (std::chrono::steady_clock::now() > deadline)
            throw Error(ErrorKind::connection, "task " + task, "an older session of it does not end on the target",
                        "Look for it with SHOW PROCESSLIST; the task tries again.");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

std::optional<BegunTransaction> read_begun(my::Session &session, const std::string &task) {
    const auto row = session.query(fmt::format(
        "SELECT commit_lsn, `changes` FROM walbridge.begun_transaction WHERE task = {}", quote_literal(task)));
    if (row.rows() == 0) return std::nullopt;
    return BegunTransaction{parse_lsn(row.get(0, 0)).value(), static_cast<std::uint64_t>(row.number(0, 1))};
}

std::optional<Progress> raise_epoch(my::Session &session, const std::string &task) {
    session.execute("START TRANSACTION");
    const auto row = session.query(fmt::format(
        "SELECT epoch, `position`, `counter` FROM walbridge.progress WHERE task = {} FOR UPDATE", quote_literal(task)));
    if (row.rows() == 0) {
        session.execute("ROLLBACK");
        return std::nullopt;
    }
    const Progress progress{static_cast<std::uint64_t>(row.number(0, 0)) + 1, parse_lsn(row.get(0, 1)).value(),
                            static_cast<std::uint64_t>(row.number(0, 2)), read_begun(session, task)};
    session.execute(fmt::format("UPDATE walbridge.progress SET epoch = {}, updated_at = NOW(6) WHERE task = {}; COMMIT",
                                progress.epoch, quote_literal(task)));
    return progress;
}

} // namespace

void create_progress(my::Session &session, const std::string &task, Lsn position) {
    session.execute(
        fmt::format("INSERT INTO walbridge.progress (task, epoch, `position`, `counter`, updated_at) VALUES "
                    "({}, 0, '{}', 0, NOW(6)) ON DUPLICATE KEY UPDATE task = task",
                    quote_literal(task), to_string(position)));
}

std::optional<Progress> take_over(my::Session &session, const std::string &task, int patience_seconds) {
    const auto before = session.value("SELECT @@innodb_lock_wait_timeout").value_or("50");
    session.execute(fmt::format("SET SESSION innodb_lock_wait_timeout = {}", patience_seconds));
    for (int attempt = 0;; ++attempt) {
        try {
            auto progress = raise_epoch(session, task);
            session.execute("SET SESSION innodb_lock_wait_timeout = " + before);
            if (progress && progress->begun) await_older_sessions(session, task);
            return progress;
        } catch (const SqlError &error) {
            session.rollback_quietly();
            if (error.recovery() != Recovery::retry_transaction || attempt == most_attempts) throw;
            end_older_sessions(session, task);
        }
    }
}

void mark_session(my::Session &session, const std::string &task) {
    try {
        for (int number = 0; number < most_marks; ++number)
            if (session.value(fmt::format("SELECT GET_LOCK({}, 0)", quote_literal(mark(task, number)))) == "1") return;
        log::debug("more sessions of the task than can be told from others on the target", {{"task", task}});
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::stop) throw;
        // Clusters have no named locks: what a lost session holds there ends with its connection.
        log::debug("sessions of the task cannot be marked on the target", {{"reason", error.reason()}});
    }
}

std::string time_sql(SourceTime time) {
    return fmt::format("(TIMESTAMP'2000-01-01 00:00:00.000000' + INTERVAL {} MICROSECOND)", time);
}

std::string fence_sql(const std::string &task, const Progress &before, const CommitPosition &position) {
    std::string set = fmt::format("`position` = '{}', updated_at = NOW(6)", to_string(position.position));
    if (position.counter != 0) set += fmt::format(", `counter` = {}", position.counter);
    if (position.commit_time != 0) set += ", commit_time = " + time_sql(position.commit_time);
    return fmt::format("UPDATE walbridge.progress SET {} WHERE task = {} AND `position` = '{}' AND epoch = {}", set,
                       quote_literal(task), to_string(before.position), before.epoch);
}

void demand_durable_commits(my::Session &session) {
    const auto set = session.query("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.log_bin, "
                                   "@@GLOBAL.sync_binlog");
    const auto demand = [&](const char *setting, int column) {
        if (set.get(0, column) == "1") return;
        throw Error(ErrorKind::task_state, fmt::format("target {}", setting),
                    fmt::format("it is {}: transactions that the server reported as committed may be gone after a "
                                "crash, and the source does not send them again",
                                set.get(0, column)),
                    fmt::format("SET GLOBAL {} = 1 on the target, and in its configuration; then start the task again.",
                                setting));
    };
    demand("innodb_flush_log_at_trx_commit", 0);
    // Recovery takes a prepared transaction back that the binary log does not have.
    if (set.get(0, 1) == "1") demand("sync_binlog", 2);
}

} // namespace walbridge::target::mysql
