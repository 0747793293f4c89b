// gates.cpp: each gate is one question; a server's error is its answer, too.
#include "switchover/gates.hpp"

#include "copy/table_statistics.hpp"
#include "sequence/sequences.hpp"
#include "switchover/listing.hpp"
#include "switchover/unfollowed.hpp"
#include "task/object_changes.hpp"
#include "task/operator_commands.hpp"
#include "task/precheck.hpp"
#include "task/schema_diff.hpp"
#include "task/state_store.hpp"
#include "task/writers.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::switchover {
namespace {

using task::State;

struct Asked {
    const GateInput &input;
    pg::Session &source, &target;
};

Gate open(std::string detail) {
    return {.id = {}, .passage = Passage::open, .detail = std::move(detail), .remedy = {}};
}
Gate noted(std::string detail, std::string remedy) {
    return {.id = {}, .passage = Passage::noted, .detail = std::move(detail), .remedy = std::move(remedy)};
}
Gate refused(std::string detail, std::string remedy) {
    return {.id = {}, .passage = Passage::refused, .detail = std::move(detail), .remedy = std::move(remedy)};
}

/// A gate's line stays readable.
template <class List, class Text> std::string some(const List &list, Text &&text, std::size_t most = 5) {
    return listed(list, text, most);
}

Gate task_running(const Asked &asked) {
    const auto &name = asked.input.config.name;
    const auto row = task::read_task(asked.target, name);
    if (!row) return refused("the target knows no such task", "Start it with walbridge run.");
    if (row->state == State::switched_over)
        return refused("it was switched over already", "walbridge switchback goes back.");
    if (!task::lock_holder(asked.target, name))
        return refused("no process runs it", "Start it with walbridge run and wait until it has caught up.");
    if (row->paused) return refused("it is paused", "walbridge resume.");
    if (row->phase != task::Phase::follow)
        return refused(fmt::format("it is not in its incremental stage ({})", name_of(row->state)),
                       "Wait for the copy to end: walbridge status.");
    // A state that an earlier, undone switchover left is as good: what counts is the drain, which is the next gate.
    if (row->state != State::running && row->state != State::catching_up && row->state != State::draining)
        return refused(fmt::format("its state is {}", name_of(row->state)), "walbridge status says why.");
    return open(fmt::format("{}, run by {}", name_of(row->state), row->holder.value_or("a process")));
}

Gate task_lag(const Asked &asked) {
    const auto began = std::chrono::steady_clock::now();
    try {
        task::wait_until_durable(asked.input.config, asked.input.config.switchover.drain);
    } catch (const Error &error) {
        return refused(fmt::format("the target does not catch up: {}", error.reason()), error.remedy());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return open(fmt::format("what was committed on the source was durable on the target {:.2f} s later", took.count()));
}

Gate task_copied(const Asked &asked) {
    const auto open_tables = asked.target.query("SELECT DISTINCT schema_name || '.' || table_name FROM "
                                                "walbridge.table_sync WHERE task = $1 AND NOT done ORDER BY 1",
                                                {asked.input.config.name});
    if (open_tables.rows() > 0)
        return refused(
            fmt::format("{} tables are not copied yet, {} among them", open_tables.rows(), open_tables.get(0, 0)),
            "Wait for the copy to end: walbridge status.");
    const auto changes = task::load_object_changes(asked.target, asked.input.config.name);
    if (const auto change = std::ranges::find_if(changes, &task::ObjectChange::open); change != changes.end())
        return refused(fmt::format("a change of the task's tables is under way: {} {} is {}", name_of(change->action),
                                   change->pattern, name_of(change->state)),
                       "Wait for its end (walbridge objects), or give it up: walbridge objects cancel.");
    return open("every table is copied");
}

Gate task_ddl(const Asked &asked) {
    const auto undecided =
        asked.target.query("SELECT count(*), min(id) FROM walbridge.ddl_statement WHERE task = $1 AND "
                           "state IN ('failed', 'skipped', 'gap')",
                           {asked.input.config.name});
    if (undecided.number(0, 0) > 0)
        return refused(fmt::format("{} DDL statements of the source wait for a decision, the first is {}",
                                   undecided.get(0, 0), undecided.get(0, 1)),
                       fmt::format("walbridge ddl list, then ddl retry or ddl dismiss.", undecided.get(0, 1)));
    return open("no DDL waits for a decision");
}

Gate source_fence(const Asked &asked) {
    const auto &fence = asked.input.fence;
    if (!fence.obstacles.empty())
        return refused(some(fence.obstacles, [](const Obstacle &obstacle) { return obstacle.reason; }),
                       some(fence.obstacles, [](const Obstacle &obstacle) { return obstacle.remedy; }));
    if (!fence.notes.empty()) return noted(some(fence.notes, [](const std::string &note) { return note; }), {});
    return open(fmt::format("{} statements close the database to others", fence.steps.size()));
}

Gate source_sessions(const Asked &asked) {
    const auto sessions = foreign_sessions(asked.source);
    std::vector<ForeignSession> workers;
    for (const auto &session : sessions)
        if (!session.client) workers.push_back(session);
    const auto who = [](const ForeignSession &session) { return session.who; };
    if (!workers.empty())
        return refused(
            fmt::format("background workers in the database may write behind the fence: {}", some(workers, who)),
            "Disable the subscription, or unschedule the jobs of the extension, that they belong to.");
    if (sessions.empty()) return open("nobody else is connected");
    return noted(fmt::format("{} sessions will be ended: {}", sessions.size(), some(sessions, who)), {});
}

Gate source_writers(const Asked &asked) {
    auto writers = task::list_writers(asked.source, asked.input.config);
    // Sessions and prepared transactions have gates of their own; who only reads does not write.
    std::erase_if(writers, [](const task::Writer &writer) {
        return writer.kind == "session" || writer.kind == "transaction" || writer.kind == "prepared-transaction" ||
               writer.kind == "fdw-session" || writer.kind == "replication-slot" || writer.kind == "publication";
    });
    if (writers.empty()) return open("no jobs, subscriptions or foreign servers");
    const auto text = some(writers, [](const task::Writer &writer) {
        return fmt::format("{} {} ({})", writer.kind, writer.name, writer.detail);
    });
    const auto remedy = some(
        writers, [](const task::Writer &writer) { return writer.remedy; }, 3);
    for (const auto &writer : writers)
        if (writer.kind == "subscription" || writer.kind == "cron-job" || writer.kind == "pgagent-job")
            return refused(text, remedy);
    return noted(text, remedy);
}

Gate target_writers(const Asked &asked) {
    auto writers = task::list_writers(asked.target, asked.input.config);
    std::erase_if(writers, [](const task::Writer &writer) {
        return writer.kind != "cron-job" && writer.kind != "pgagent-job" && writer.kind != "subscription" &&
               writer.kind != "event-trigger" && writer.kind != "always-trigger" && writer.kind != "always-rule";
    });
    if (writers.empty()) return open("no jobs, subscriptions or triggers that fire while replicating");
    return noted(some(writers,
                      [](const task::Writer &writer) {
                          return fmt::format("{} {} ({})", writer.kind, writer.name, writer.detail);
                      }),
                 some(
                     writers, [](const task::Writer &writer) { return writer.remedy; }, 3));
}

Gate target_definitions(const Asked &asked) {
    const auto differences = task::schema_differences(asked.input.config, asked.input.stop);
    if (differences.empty()) return open("the definitions of both sides are equal");
    return refused(fmt::format("the definitions of {} objects differ", differences.size()),
                   "walbridge schema diff lists them and the statements that mend them.");
}

Gate target_indexes(const Asked &asked) {
    const auto rows = asked.target.query(
        "SELECT i.indexrelid::regclass::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = "
        "i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND n.nspname "
        "NOT "
        "IN ('pg_catalog', 'pg_toast', 'information_schema') AND c.relkind = 'i' ORDER BY 1");
    if (rows.rows() > 0)
        return refused(
            fmt::format("{} invalid indexes, {} among them: queries do not use them", rows.rows(), rows.get(0, 0)),
            fmt::format("REINDEX INDEX CONCURRENTLY {};", rows.get(0, 0)));
    return open("every index is valid");
}

Gate target_statistics(const Asked &asked) {
    const auto tables = copy::tables_without_statistics(asked.source, asked.target, asked.input.config);
    if (tables.empty()) return open("every table with rows has statistics");
    return noted(fmt::format("{} tables have none, which are gathered before the fence: {}", tables.size(),
                             some(tables, [](const QualifiedName &name) { return to_string(name); })),
                 {});
}

Gate target_sequences(const Asked &asked) {
    const auto differences = sequence::compare_sequences(asked.source, asked.target, asked.input.config);
    std::vector<sequence::Difference> lost;
    for (const auto &difference : differences)
        if (!difference.source || !difference.target) lost.push_back(difference);
    if (!lost.empty())
        return refused(some(lost, [](const sequence::Difference &entry) { return describe(entry); }),
                       some(
                           lost, [](const sequence::Difference &entry) { return entry.remedy; }, 3));
    return open("every selected sequence is there; values are set behind the fence");
}

template <std::size_t Kind> Gate unfollowed(const Asked &asked) {
    const auto &config = asked.input.config;
    const auto found = unfollowed_kinds[Kind].compare(asked.source, asked.target, config, config.switchover.drain);
    if (!found.difference.empty()) return refused(found.difference, found.remedy);
    return found.noteworthy ? noted(found.note, {}) : open(found.note);
}

Gate reverse_possible(const Asked &asked) {
    if (!asked.input.reverse)
        return noted("none is prepared: there is no way back for what is written after the switchover", {});
    const auto report = task::precheck(asked.input.reverse->config);
    std::vector<task::Finding> errors;
    for (const auto &finding : report.findings)
        if (finding.verdict == task::Verdict::error) errors.push_back(finding);
    if (!errors.empty())
        return refused(
            fmt::format("task {} cannot be started: {}", asked.input.reverse->config.name,
                        some(errors, [](const task::Finding &entry) { return entry.id + ": " + entry.reason; })),
            some(errors, [](const task::Finding &entry) { return entry.fix; }) +
                " Or switch over without a way back: --no-reverse.");
    return open(
        fmt::format("task {} can be started ({} checks)", asked.input.reverse->config.name, report.findings.size()));
}

struct Question {
    const char *id;
    bool acceptable;
    Gate (*ask)(const Asked &);
};

constexpr Question questions[]{
    {"task.running", false, task_running},
    {"task.copied", false, task_copied},
    {"task.ddl", true, task_ddl},
    {"source.fence", false, source_fence},
    {"source.sessions", false, source_sessions},
    {"source.writers", true, source_writers},
    {"target.writers", false, target_writers},
    {"target.definitions", true, target_definitions},
    {"target.indexes", true, target_indexes},
    {"target.statistics", false, target_statistics},
    {"target.sequences", false, target_sequences},
    {"task.large_objects", true, unfollowed<0>},
    {"task.unlogged", true, unfollowed<1>},
    {"reverse.possible", false, reverse_possible},
    {"task.lag", false, task_lag}, // last: what it measures is what comes next
};

} // namespace

std::vector<Gate> examine(const GateInput &input, pg::Session &source, pg::Session &target,
                          const std::function<void(const Gate &)> &show) {
    std::vector<Gate> gates;
    const Asked asked{input, source, target};
    for (const auto &question : questions) {
        Gate gate;
        try {
            gate = question.ask(asked);
        } catch (const Error &error) {
            source.rollback_quietly();
            target.rollback_quietly();
            gate = refused(fmt::format("{}: {}", error.object(), error.reason()), error.remedy());
        }
        gate.id = question.id;
        gate.acceptable = question.acceptable;
        show(gate);
        gates.push_back(std::move(gate));
        // Nothing else can be said about a task that does not run.
        if (gates.size() == 1 && gates.front().passage == Passage::refused) break;
    }
    return gates;
}

std::vector<std::string> acceptable_gates() {
    std::vector<std::string> ids;
    for (const auto &question : questions)
        if (question.acceptable) ids.emplace_back(question.id);
    return ids;
}

} // namespace walbridge::switchover
