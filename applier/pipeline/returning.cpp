// returning.cpp: see returning.hpp.
#include "pipeline/returning.hpp"

#include "base/log.hpp"
#include "pipeline/incremental.hpp"
#include "target/kind.hpp"

#include <fmt/format.h>

namespace walbridge::pipeline {
namespace {

pg::Session open(const TaskConfig &config, const pg::Endpoint &endpoint) {
    return {endpoint,
            {.application_name = config.application_name("origins"),
             .replication = false,
             .settings = {{"statement_timeout", "60s"}}}};
}

} // namespace

Returning::Returning(const TaskConfig &config) : config_(config) {
    if (target::is_mysql(config)) return; // nothing of walbridge brings changes from there
    auto target = open(config, config.target.endpoint);
    target_ = target::identify(target);
    auto source = open(config, config.source.endpoint);
    const auto found = target::neighbours_from(source, target_);
    if (!found.readable)
        log::warning("tasks that write into the source cannot be seen: changes of the target that they bring there "
                     "would come back",
                     {{"remedy", "GRANT USAGE ON SCHEMA walbridge, SELECT ON walbridge.task to the source's role"}});
    for (const auto &task : found.tasks) {
        left_out_.insert(task.task);
        // A task that was reset has forgotten its way back.
        if (task.reverse_of == config.name) target::note_way_back(target, config.name, task.task);
    }
    if (!left_out_.empty()) log::info("changes that came from the target are left out", {{"origins", left_out()}});
}

std::string Returning::left_out() const {
    std::string patterns;
    for (const auto &task : left_out_)
        patterns += fmt::format("{0}walbridge_{1},walbridge_{1}:*", patterns.empty() ? "" : ",", task);
    return patterns;
}

void Returning::check(const ChangeBatch &batch) {
    if (target::is_mysql(config_)) return;
    for (const auto &piece : batch.pieces) {
        const auto &origin = piece.begin.origin;
        if (origin.empty() || origin == last_) continue;
        if (!passed_.contains(origin)) judge(piece.begin);
        last_ = origin;
    }
}

void Returning::judge(const TransactionBegin &begin) {
    const auto task = target::task_of_origin(begin.origin);
    bool returns = left_out_.contains(task), linked = false;
    if (!task.empty() && !returns) {
        auto source = open(config_, config_.source.endpoint);
        for (const auto &found : target::neighbours_from(source, target_).tasks) {
            if (found.task != task) continue;
            returns = true;
            linked = found.reverse_of == config_.name || config_.reverse_of == task;
        }
    }
    if (!returns) {
        passed_.insert(begin.origin);
        return;
    }
    if (linked) throw OriginsChanged{};
    throw Error(
        ErrorKind::loop, fmt::format("task {} and task {}", config_.name, task),
        fmt::format("a change of the target comes back to it: transaction {}{} of the source carries the origin {} of "
                    "task {}, which brings the target's changes to the source; nothing of it was applied",
                    begin.xid, begin.commit_lsn.valid() ? " at " + to_string(begin.commit_lsn) : "", begin.origin,
                    task),
        fmt::format("The two tasks carry the same tables in opposite directions. End one of them (walbridge stop, then "
                    "walbridge release) or take the tables out of one; walbridge reverse makes a proper way back. "
                    "Then run this task again: from its start on it leaves out what came through task {}.",
                    task));
}

} // namespace walbridge::pipeline
