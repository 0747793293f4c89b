// wait.cpp: waiting until the target durably holds what the source has committed so far.
#include "base/log.hpp"
#include "base/lsn.hpp"
#include "target/state_session.hpp"
#include "task/operator_commands.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace walbridge::task {
namespace {

using Clock = std::chrono::steady_clock;

/// Everything committed before the call lies before the returned position. The message that follows gives the stream
/// something to carry past it when nobody else writes, and its commit flushes the WAL up to there.
Lsn position_to_reach(const TaskConfig &config) {
    pg::Session source(config.source.endpoint,
                       {.application_name = "walbridge:wait", .replication = false, .settings = {}});
    const auto lsn = parse_lsn(source.value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value()).value();
    try {
        source.execute("BEGIN; SET LOCAL synchronous_commit = local; SELECT pg_catalog.pg_logical_emit_message(true, "
                       "'walbridge.wait', ''); COMMIT");
    } catch (const SqlError &error) {
        source.rollback_quietly();
        log::debug("no message could be written to the source's WAL; heartbeats move the position as well",
                   {{"reason", error.reason()}});
    }
    return lsn;
}

[[noreturn]] void throw_stored(const TaskConfig &config, const TaskRow &row) {
    const auto json = nlohmann::json::parse(row.error.value_or("{}"), nullptr, false);
    if (!json.is_object() || !json.contains("exit_code"))
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "it failed", "See walbridge status.");
    throw Error(static_cast<ErrorKind>(json.value("exit_code", 1)), json.value("object", ""), json.value("reason", ""),
                json.value("remedy", ""));
}

/// Visible is not durable when commits do not wait for their flush: then the target's WAL up to now must be flushed.
/// MySQL's commits wait.
Lsn insert_position(sql::Session &target) {
    if (target.dialect() == sql::Dialect::mysql) return {};
    return parse_lsn(target.ask_value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value()).value();
}

bool flushed_since(sql::Session &target, Lsn insert) {
    if (target.dialect() == sql::Dialect::mysql) return true;
    return parse_lsn(target.ask_value("SELECT pg_catalog.pg_current_wal_flush_lsn()").value()).value() >= insert;
}

} // namespace

void wait_until_durable(const TaskConfig &config, std::optional<std::chrono::milliseconds> timeout) {
    const auto began = Clock::now();
    const auto object = fmt::format("task {}", config.name);
    const auto goal = position_to_reach(config);
    std::unique_ptr<sql::Session> target;
    bool reached_goal = false;
    Lsn insert; // the target's, read when the position was first seen past the goal
    std::string reached = "nothing";
    Clock::time_point failed_since{}; // failed, and no process that could mend it
    auto pause = std::chrono::milliseconds(10);
    for (;; std::this_thread::sleep_for(pause), pause = std::min(pause * 2, std::chrono::milliseconds(250))) {
        if (timeout && Clock::now() - began > *timeout)
            throw Error(ErrorKind::timeout, object,
                        fmt::format("the target holds {} of the source's {} after {} s", reached, to_string(goal),
                                    timeout->count() / 1000),
                        "Look at walbridge status, or wait longer.");
        try {
            if (!target) target = target::open_state(config, "walbridge:wait");
            if (reached_goal) {
                if (flushed_since(*target, insert)) return;
                continue;
            }
            const auto row = read_task(*target, config.name);
            if (!row && timeout) continue; // a process may be starting
            if (!row)
                throw Error(ErrorKind::task_state, object, "the target knows no such task",
                            "Start it with walbridge run.");
            if (row->phase == Phase::done)
                throw Error(ErrorKind::task_state, object, "it has no incremental stage and is complete",
                            "Wait for tasks that follow their source.");
            const auto position =
                target->ask_value("SELECT position FROM walbridge.progress WHERE task = $1", {config.name});
            if (position) reached = *position;
            // During the copy the position is that of the snapshot, while its rows are still on their way.
            if (row->phase == Phase::follow && position && parse_lsn(*position).value() >= goal) {
                insert = insert_position(*target);
                reached_goal = true;
            } else if (row->state == State::failed && !lock_holder(*target, config.name)) {
                // A failure of a process that ended before this call may be one that another is just overcoming.
                if (failed_since == Clock::time_point{}) failed_since = Clock::now();
                if (Clock::now() - failed_since > std::chrono::seconds(2)) throw_stored(config, *row);
            } else
                failed_since = {};
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::reconnect || !timeout || error.kind() == ErrorKind::authentication) throw;
            target.reset(); // the target restarts: what was seen may be lost with it
            reached_goal = false;
        }
    }
}

} // namespace walbridge::task
