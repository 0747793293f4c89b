// precheck_topology.cpp: the task among the other tasks of its two databases: whose changes travel back, who writes the
// same tables, and whether it could have, or is, a way back. Also the clocks that commit times are compared by.
#include "sequence/disjoint.hpp"
#include "target/postgres/neighbours.hpp"
#include "task/clock.hpp"
#include "task/precheck_checks.hpp"
#include "task/reverse_possible.hpp"
#include "task/state_store.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

using target::Neighbour;

constexpr const char *source_rights = "On the source: GRANT USAGE ON SCHEMA walbridge TO the task's role; GRANT SELECT "
                                      "ON walbridge.task TO the task's role;";

/// Tasks that bring changes of our target into our source.
target::Neighbours opposite_tasks(PrecheckContext &context, pg::Session &source) {
    return target::neighbours_from(source, target::identify(*context.target));
}

/// The two are each other's way back, or follow each other.
bool belongs_to(const TaskConfig &config, const Neighbour &other) {
    return config.reverse_of == other.task || other.reverse_of == config.name || config.succeeds == other.task;
}

bool two_way(const TaskConfig &config, const target::Neighbours &opposite) {
    return !config.reverse_of.empty() ||
           std::ranges::any_of(opposite.tasks, [&](const Neighbour &other) { return other.reverse_of == config.name; });
}

/// Of a way back: what keeps one of the two tasks from marking its transactions; without marks they would circle.
std::string unmarked(PrecheckContext &context, pg::Session &source) {
    const auto &forward = context.config.reverse_of;
    if (forward.empty()) return {};
    if (!source.value("SELECT 1 FROM pg_catalog.pg_replication_origin WHERE roname = $1", {"walbridge_" + forward}))
        return fmt::format("transactions of the forward task carry no replication origin (walbridge_{} does not "
                           "exist): they would travel back",
                           forward);
    if (!context.target
             ->query("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_create(text)', "
                     "'EXECUTE') AND "
                     "pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_session_setup(text)', "
                     "'EXECUTE') AND "
                     "pg_catalog.has_function_privilege('pg_catalog.pg_replication_origin_xact_setup(pg_lsn, "
                     "timestamptz)', 'EXECUTE')")
             .flag(0, 0))
        return "the role may not mark transactions with a replication origin: the forward task would bring them back";
    return {};
}

void check_loops(PrecheckContext &context, pg::Session &source) {
    constexpr const char *id = "topology.loops";
    if (!context.target) return context.skipped(id, "the target cannot be reached");
    const auto found = opposite_tasks(context, source);
    if (!found.readable)
        return (context.config.reverse_of.empty()
                    ? context.warning(id,
                                      "the role may not see which tasks write into the "
                                      "source: changes that one of them brings from the "
                                      "target would travel back",
                                      source_rights)
                    : context.error(id,
                                    "the role may not see which tasks write into the "
                                    "source: the forward task's changes would travel back",
                                    source_rights));
    if (const auto flaw = unmarked(context, source); !flaw.empty())
        return context.error(id, flaw,
                             "Give the target roles of both tasks the rights that target.origin names, and run the "
                             "forward task with them for a while before the way back is made.");
    std::vector<std::string> names;
    for (const auto &task : found.tasks) names.push_back(task.task);
    context.ok(id, names.empty()
                       ? "no task brings changes of the target into the source"
                       : fmt::format("left out are changes that came from the target through task {}", some_of(names)));
}

/// Tables that both tasks write (same direction), or that both carry (opposite directions).
void check_overlap(PrecheckContext &context, pg::Session &source) {
    constexpr const char *id = "topology.overlap";
    if (!context.target) return context.skipped(id, "the target cannot be reached");
    if (!context.catalog_read) return context.skipped(id, "the source's tables could not be read");
    const auto &config = context.config;
    std::vector<std::string> unknown;
    const auto shared = [&](const Neighbour &other, bool opposite) {
        std::vector<std::string> tables;
        const auto objects = read_objects(other.objects);
        if (!objects) {
            unknown.push_back(other.task);
            return tables;
        }
        const wire::ObjectSelection selection(objects->include, objects->exclude);
        for (const auto &table : context.selected) {
            const auto there = context.there(table);
            if (opposite ? selection.matches(there.schema, there.name)
                         : selection.matches(table.name.schema, table.name.name) &&
                               objects->names.table(table.name) == there)
                tables.push_back(to_string(there));
        }
        return tables;
    };
    const auto followed = target::neighbours_from(*context.target, target::identify(source));
    for (const auto &other : followed.tasks) {
        if (other.task == config.name || other.task == config.sync_of) continue; // it leaves these tables to us
        if (const auto tables = shared(other, false); !tables.empty())
            return context.error(id,
                                 fmt::format("task {} brings the same tables from the same source to this target: {}",
                                             other.task, some_of(tables)),
                                 fmt::format("Leave them out of one of the tasks (objects.exclude), or end task {} "
                                             "(walbridge release).",
                                             other.task));
    }
    for (const auto &other : opposite_tasks(context, source).tasks) {
        if (belongs_to(config, other)) continue;
        if (const auto tables = shared(other, true); !tables.empty())
            return context.error(
                id,
                fmt::format("task {} brings the same tables the other way, from the target to the source, and is not "
                            "this task's way back: {}",
                            other.task, some_of(tables)),
                fmt::format("End task {} (walbridge release) and have walbridge reverse make the way back, or leave "
                            "the tables out of one of the two (objects.exclude).",
                            other.task));
    }
    if (!unknown.empty())
        return context.warning(id,
                               fmt::format("which tables task {} writes is not known: it was last started by an older "
                                           "walbridge",
                                           some_of(unknown)),
                               "Start it once with this version.");
    context.ok(id, "no other task carries these tables between the two databases");
}

void check_sequences(PrecheckContext &context, pg::Session &source) {
    constexpr const char *id = "topology.sequences";
    if (!context.target) return context.skipped(id, "the target cannot be reached");
    if (!two_way(context.config, opposite_tasks(context, source)))
        return context.ok(id, "one way: sequences are brought along or left alone (sequences.interval)");
    const auto meeting = sequence::meeting(source, *context.target, sequence::selected(source, context.config));
    if (meeting.empty()) return context.ok(id, "no sequence can give the same value on both sides");
    std::vector<std::string> names;
    std::string source_statements, target_statements, full;
    for (const auto &one : meeting) {
        names.push_back(describe_pair(one.sequence.source, one.sequence.target));
        if (one.remedy) {
            source_statements += " " + one.remedy->source;
            target_statements += " " + one.remedy->target;
        } else {
            full += fmt::format(" {} has no room left: give both sides ranges of their own (MINVALUE, MAXVALUE).",
                                names.back());
        }
    }
    // ALTER SEQUENCE is DDL: the forward task carries what is altered on its source.
    const bool way_back = !context.config.reverse_of.empty();
    std::string fix;
    if (!source_statements.empty())
        fix = fmt::format("First on the {}:{} When the forward task has carried that, on the {}:{}",
                          way_back ? "target" : "source", way_back ? target_statements : source_statements,
                          way_back ? "source" : "target", way_back ? source_statements : target_statements);
    fix += fix.empty() && !full.empty() ? full.substr(1) : full;
    context.warning(
        id, fmt::format("{} sequences can give the same value on both sides: {}", names.size(), some_of(names)), fix);
}

void check_reverse(PrecheckContext &context, pg::Session &target) {
    constexpr const char *id = "topology.reverse";
    const auto &config = context.config;
    if (!config.reverse_of.empty())
        return context.ok(id, fmt::format("this is the way back of task {}", config.reverse_of));
    const auto no = [&](const std::string &why) { context.ok(id, "reverse possible: no, " + why); };
    if (const auto obstacle = reverse_obstacle(config)) return no(*obstacle);
    if (const auto level = target.value("SHOW wal_level").value(); level != "logical")
        return no(fmt::format("wal_level of the target is {}", level));
    if (!target.value("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = 'walbridge'"))
        return no("walbridge's plugin is not installed on the target's server");
    if (!target.value("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolreplication OR "
                      "rolsuper)"))
        return no("the target's role may not replicate (ALTER ROLE ... REPLICATION)");
    context.ok(id, "reverse possible: yes (walbridge reverse checks the rest)");
}

void check_clocks(PrecheckContext &context, pg::Session &source) {
    constexpr const char *id = "clock.offset";
    if (!context.target) return context.skipped(id, "the target cannot be reached");
    const auto here = read_clock(source);
    const auto clocks = compare_clocks(here, read_clock(*context.target));
    const auto &conflict = context.config.conflict;
    if (!beyond(clocks, conflict.max_offset)) return context.ok(id, describe(clocks));
    const auto reason =
        fmt::format("{}, more than conflict.max_offset = {} ms", describe(clocks), conflict.max_offset.count());
    constexpr const char *fix = "Let both servers keep their time by NTP (chronyc tracking shows how well they do).";
    if (conflict.decided_by_time())
        context.error(id, reason + ": the side whose clock is ahead would win the conflicts that commit times decide",
                      fix);
    else
        context.warning(id, reason, fix);
}

void check_timestamps(PrecheckContext &context, pg::Session &target) {
    constexpr const char *id = "conflict.timestamps";
    if (!context.config.conflict.detects_origins())
        return context.ok(id, "conflicts are judged without commit times and origins");
    const auto what = context.config.conflict.decided_by_time() ? "commit times are to decide conflicts"
                                                                : "rows that others wrote are to be conflicts";
    if (target.server_version() < 140000)
        return context.error(
            id,
            fmt::format("{}, and PostgreSQL {} does not say who wrote a row", what, target.server_version() / 10000),
            "Upgrade the target to 14 or newer, or choose fail, ignore or overwrite and "
            "conflict.origins = \"off\".");
    if (target.value("SHOW track_commit_timestamp") != "on")
        return context.error(id, fmt::format("{}, and the target does not keep commit times", what),
                             "ALTER SYSTEM SET track_commit_timestamp = on; then restart the target.");
    context.ok(id, "the target keeps commit times and origins");
}

} // namespace

void check_topology(PrecheckContext &context) {
    static constexpr NamedCheck on_source[] = {{"topology.loops", check_loops},
                                               {"topology.overlap", check_overlap},
                                               {"topology.sequences", check_sequences},
                                               {"clock.offset", check_clocks}};
    for (const auto &[id, check] : on_source)
        context.run(id, context.source, [&, check = check](pg::Session &session) { check(context, session); });
    static constexpr NamedCheck on_target[] = {{"topology.reverse", check_reverse},
                                               {"conflict.timestamps", check_timestamps}};
    for (const auto &[id, check] : on_target)
        context.run(id, context.target, [&, check = check](pg::Session &session) { check(context, session); });
}

} // namespace walbridge::task
