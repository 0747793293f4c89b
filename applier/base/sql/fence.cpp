// fence.cpp: see fence.hpp.
#include "base/sql/fence.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace walbridge::sql {
namespace {

/// SQLSTATE of our own; it is known nowhere but here.
constexpr const char *taken_over = "WB001";

[[noreturn]] void raise(const std::string &task) {
    throw Error(ErrorKind::fenced, "task " + task, "another process took the task over");
}

/// One statement that raises by itself, so that it can share a message with others. Task names need no quoting; raising
/// needs plpgsql, which every server has.
std::string assertion(const std::string &task, std::uint64_t epoch) {
    return fmt::format("DO $walbridge$ BEGIN PERFORM 1 FROM walbridge.progress WHERE task = '{}' AND epoch = {} FOR "
                       "SHARE; IF NOT FOUND THEN RAISE EXCEPTION 'another process took the task over' USING ERRCODE = "
                       "'{}'; END IF; END $walbridge$",
                       task, epoch, taken_over);
}

void assert_epoch(Session &session, const std::string &task, std::uint64_t epoch, const char *before) {
    try {
        session.ask(before + assertion(task, epoch));
    } catch (const SqlError &error) {
        if (error.sqlstate() == taken_over) raise(task);
        throw;
    }
}

} // namespace

void Fence::begin(Session &session) const {
    if (session.dialect() == Dialect::postgres) return assert_epoch(session, task_, epoch_, "BEGIN; ");
    session.ask("BEGIN");
    hold(session);
}

void Fence::hold(Session &session) const {
    if (session.dialect() == Dialect::postgres) return assert_epoch(session, task_, epoch_, "");
    const auto mine = session.ask("SELECT 1 FROM walbridge.progress WHERE task = $1 AND epoch = $2 LOCK IN SHARE MODE",
                                  {task_, std::to_string(epoch_)});
    if (mine.rows() == 0) raise(task_);
}

void hold_task(Session &session, const std::string &task) {
    session.ask("SELECT 1 FROM walbridge.task WHERE task = $1 FOR UPDATE", {task});
}

} // namespace walbridge::sql
