// precheck_guard.cpp: how long the source keeps the slot's WAL, whether the slot survives a promotion of a standby, and
// whether the source guard can look.
#include "dialect/postgres.hpp"
#include "source/source_guard.hpp"
#include "task/figures.hpp"
#include "task/precheck_checks.hpp"
#include "task/start.hpp"

#include <fmt/format.h>
#include <set>

namespace walbridge::task {
namespace {

std::optional<std::string> setting(pg::Session &source, const std::string &name) {
    return source.value("SELECT setting FROM pg_catalog.pg_settings WHERE name = $1", {name});
}

void check_retention(PrecheckContext &context, pg::Session &source) {
    const auto kept = std::stoll(setting(source, "max_slot_wal_keep_size").value_or("-1")); // MB
    const auto idle = setting(source, "idle_replication_slot_timeout").value_or("0");       // 18+, seconds
    if (idle != "0")
        return context.warning("source.retention",
                               fmt::format("the server gives up a slot that nobody read from for {} s "
                                           "(idle_replication_slot_timeout): a task stopped for so long cannot go on",
                                           idle),
                               "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();");
    if (kept >= 0)
        return context.ok(
            "source.retention",
            fmt::format("the server keeps {} of WAL for a slot (max_slot_wal_keep_size), then gives it up",
                        human_bytes(static_cast<double>(kept) * 1024 * 1024)));
    const auto &slot = context.config.slot;
    context.ok("source.retention",
               fmt::format("the server keeps WAL for the slot without a limit; {}",
                           slot.retained_limit == 0
                               ? std::string("slot.retained_limit sets none either")
                               : fmt::format("slot.retained_limit is {}, then: {}",
                                             human_bytes(static_cast<double>(slot.retained_limit)), slot.on_limit)));
}

/// The elements of a setting that lists names.
std::set<std::string> listed(pg::Session &source, const std::string &list) {
    const auto rows =
        source.query("SELECT pg_catalog.btrim(name, ' \"') FROM pg_catalog.regexp_split_to_table($1, ',') "
                     "name WHERE pg_catalog.btrim(name) <> ''",
                     {list});
    std::set<std::string> names;
    for (int row = 0; row < rows.rows(); ++row) names.insert(rows.text(row, 0));
    return names;
}

/// The standby's own settings cannot be seen from here. What can: which physical slots are used, whether feedback
/// arrives through them (sync_replication_slots needs it), and the connection of a standby's slot synchronisation.
void check_failover(PrecheckContext &context, pg::Session &source) {
    const auto &wanted = context.config.slot.failover;
    if (source.server_version() < 170000) {
        if (wanted == "on")
            return context.error("source.failover",
                                 fmt::format("slot.failover is on and PostgreSQL {} keeps no logical slots on standbys",
                                             source.server_version() / 10000),
                                 "Set slot.failover = \"auto\" (after a promotion the task then stops and says what to "
                                 "do), or upgrade the source to 17 or newer.");
        return context.ok("source.failover", "before PostgreSQL 17 a promoted standby does not have the slot: after a "
                                             "promotion the task stops and says what to do");
    }
    if (wanted == "off") return context.ok("source.failover", "slot.failover is off: standbys do not get the slot");

    const auto names = listed(source, setting(source, "synchronized_standby_slots").value_or(""));
    const auto rows = source.query("SELECT slot_name, active, xmin IS NOT NULL OR catalog_xmin IS NOT NULL FROM "
                                   "pg_catalog.pg_replication_slots WHERE slot_type = 'physical' ORDER BY 1");
    std::set<std::string> known, unlisted, silent, idle;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto name = rows.text(row, 0);
        known.insert(name);
        if (rows.flag(row, 1) && !names.contains(name)) unlisted.insert(name);
        if (rows.flag(row, 1) && !rows.flag(row, 2)) silent.insert(name);
        if (!rows.flag(row, 1) && names.contains(name)) idle.insert(name);
    }
    const auto synchronising =
        source.query("SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE application_name LIKE '%slotsync worker'")
            .number(0, 0);
    const auto slotless = source
                              .query("SELECT count(*) FROM pg_catalog.pg_stat_replication r WHERE NOT EXISTS (SELECT 1 "
                                     "FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid) AND "
                                     "r.application_name NOT LIKE '%pg_basebackup%'")
                              .number(0, 0);
    const auto several = [](const std::set<std::string> &of) {
        return some_of(std::vector<std::string>(of.begin(), of.end()));
    };

    for (const auto &name : names)
        if (!known.contains(name) || idle.contains(name))
            return context.warning(
                "source.failover",
                fmt::format("synchronized_standby_slots names {}, which {}: changes are held back from "
                            "the task until that standby has them",
                            name, known.contains(name) ? "no standby uses now" : "does not exist"),
                "Start that standby, or take it off: ALTER SYSTEM SET synchronized_standby_slots = "
                "...; SELECT pg_reload_conf();");
    if (!unlisted.empty() && (synchronising > 0 || !names.empty())) {
        auto all = names;
        all.insert(unlisted.begin(), unlisted.end());
        std::string list;
        for (const auto &name : all) list += (list.empty() ? "" : ", ") + name;
        return context.warning(
            "source.failover",
            fmt::format("standbys that may be promoted are not waited for (slot {}): the target can get ahead of them, "
                        "and after a promotion it holds what the new primary lost",
                        several(unlisted)),
            fmt::format("ALTER SYSTEM SET synchronized_standby_slots = {}; SELECT pg_reload_conf();",
                        dialect::postgres::quote_literal(list)));
    }
    if (synchronising == 0 && (!known.empty() || slotless > 0))
        return context.warning(
            "source.failover",
            fmt::format("no standby synchronises slots now{}: after a promotion the task stops",
                        !silent.empty() ? fmt::format(" (slot {} gets no feedback)", several(silent))
                        : slotless > 0  ? " (one streams without a slot)"
                                        : ""),
            "On the standby: primary_slot_name, a dbname in primary_conninfo, hot_standby_feedback = on and "
            "sync_replication_slots = on; on the source: list its slot in synchronized_standby_slots. Or "
            "slot.failover = \"off\".");
    if (known.empty())
        return context.ok("source.failover", "the slot is made for failover; no standby is there to synchronise it");
    context.ok("source.failover", fmt::format("{} standby synchronises slots and is waited for", synchronising));
}

/// Whether the source guard can see what it is to look at (docs/source-guard.md).
void check_source_guard(PrecheckContext &context, pg::Session &source) {
    const auto &guard = context.config.guard;
    const auto id = "source.guard";
    if ((guard.replica_lag.count() > 0 || guard.active_sessions > 0) && !source::sees_statistics(source))
        return context.error(id, "the task's role cannot see other sessions and standbys: source_guard looks at them",
                             fmt::format("GRANT pg_read_all_stats TO {}; on the source.",
                                         dialect::postgres::quote_identifier(
                                             source.value("SELECT current_user").value_or("the task's role"))));
    auto looking = source::open_guard_session(context.config); // with the limits that the guard's own look has
    if (!guard.query.empty()) {
        try {
            static_cast<void>(source::ask_guard_query(looking, guard.query));
        } catch (const Error &refused) {
            return context.error(id, fmt::format("source_guard.query: {}", refused.reason()),
                                 refused.kind() == ErrorKind::configuration || refused.remedy().empty()
                                     ? "Write one SELECT that returns one row with one boolean within 5 s, with names "
                                       "qualified by their schemas and readable for the task's role."
                                     : refused.remedy());
        }
    }
    source::WalClock clock;
    const auto seen = source::look_at_source(looking, guard, clock);
    if (guard.replica_lag.count() > 0 && seen.standbys.empty())
        return context.warning(id, "no standby streams from the source now: source_guard.replica_lag sees none",
                               "Start the standby, or remove source_guard.replica_lag.");
    const auto reason = source::reason_to_hold(guard, seen);
    context.ok(id, reason ? "it can look at the source; it would hold now: " + *reason
                          : std::string("it can look at the source and would let the copy go on now"));
}

} // namespace

void check_guard(PrecheckContext &context) {
    context.run("source.retention", context.source, [&](pg::Session &session) { check_retention(context, session); });
    context.run("source.failover", context.source, [&](pg::Session &session) { check_failover(context, session); });
    if (context.config.guard.on())
        context.run("source.guard", context.source,
                    [&](pg::Session &session) { check_source_guard(context, session); });
}

} // namespace walbridge::task
