// identity.cpp: the decision, check by check, from "another cluster" down to "the slot moved".
#include "task/identity.hpp"

#include <charconv>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

const char *const start_over =
    "What lies between cannot be streamed: verify both sides, or start over with walbridge reset --truncate and run.";

/// "timeline 2 began at 0/5000000, timeline 1 ended there"; empty when the server was not promoted since.
std::string promotion(const StoredIdentity &stored, const ServerIdentity &server) {
    if (server.timeline <= stored.timeline) return {};
    for (const auto &end : server.history)
        if (end.timeline == stored.timeline)
            return fmt::format("the source was promoted: timeline {} ended at {}, timeline {} answers now",
                               stored.timeline, to_string(end.end), server.timeline);
    return fmt::format("the source was promoted: timeline {} answers now", server.timeline);
}

/// How the next promotion finds its slot. The numbering goes on from `step`.
std::string next_time(const StoredIdentity &stored, const ServerIdentity &server, int step) {
    if (server.version != 0 && server.version < 170000)
        return fmt::format("\n  {}. For the next promotion: a slot is synchronised to standbys from PostgreSQL 17 on; "
                           "before it, promote only while the task is stopped and caught up is no help either: plan to "
                           "start over.",
                           step);
    return fmt::format(
        "\n  {}. For the next promotion: slot.failover = \"auto\" or \"on\" in the task file; on the standby "
        "sync_replication_slots = on, hot_standby_feedback = on, primary_slot_name and a dbname in primary_conninfo; "
        "on "
        "the primary synchronized_standby_slots with the standby's slot. Before promoting, the standby says whether it "
        "is ready: SELECT synced AND NOT temporary AND invalidation_reason IS NULL FROM pg_replication_slots WHERE "
        "slot_name = '{}'.",
        step, stored.slot);
}

/// What to do when the slot of a promoted source cannot go on.
std::string after_promotion(const StoredIdentity &stored, const ServerIdentity &server) {
    return fmt::format(
        "What to do:\n"
        "  1. The target holds everything that was committed up to {} and nothing after it; what the new "
        "primary committed since cannot be streamed. Let nobody take the target for current.\n"
        "  2. If the old primary still runs and is to stay in charge, point source.url back at it and "
        "run: nothing is lost.\n"
        "  3. Else start over from the new primary: walbridge reset --truncate, then walbridge run.{}",
        to_string(stored.position), next_time(stored, server, 4));
}

std::optional<Error> judge_cluster(const StoredIdentity &stored, const ServerIdentity &server) {
    if (server.system == stored.system) return std::nullopt;
    return Error(ErrorKind::source_replaced, "source",
                 fmt::format("another cluster answers: system identifier {}, the task belongs to {}", server.system,
                             stored.system),
                 "Point source.url at the original cluster or a physical copy promoted from it; for a new source start "
                 "over with walbridge reset.");
}

std::optional<Error> judge_timeline(const StoredIdentity &stored, const ServerIdentity &server) {
    const auto restored = [&](std::string reason) {
        return Error(
            ErrorKind::source_restored, "source", std::move(reason),
            fmt::format(
                "The source was restored or promoted from before {}: the target holds changes it no longer has. {}",
                to_string(stored.position), start_over));
    };
    if (server.timeline < stored.timeline)
        return restored(fmt::format("timeline {} is older than {}, on which the stored position {} lies",
                                    server.timeline, stored.timeline, to_string(stored.position)));
    if (server.timeline > stored.timeline) {
        const TimelineEnd *left = nullptr;
        for (const auto &end : server.history)
            if (end.timeline == stored.timeline) left = &end;
        if (left == nullptr)
            return restored(fmt::format("timeline {} does not descend from timeline {} of the stored position {}",
                                        server.timeline, stored.timeline, to_string(stored.position)));
        if (left->end < stored.position)
            return Error(
                ErrorKind::source_restored, "source",
                fmt::format("timeline {} left timeline {} at {}, before the stored position {}: the new primary never "
                            "received what the old one committed between {} and {}, and the target holds it",
                            server.timeline, stored.timeline, to_string(left->end), to_string(stored.position),
                            to_string(left->end), to_string(stored.position)),
                fmt::format("What to do:\n"
                            "  1. Decide whether those transactions are to live: from {} to {} they are on the old "
                            "primary's WAL and on the target only (pg_waldump shows them; rows of the target are their "
                            "last trace).\n"
                            "  2. Bring what has to live to the new primary by hand.\n"
                            "  3. Start over from the new primary: walbridge reset --truncate, then walbridge run.{}",
                            to_string(left->end), to_string(stored.position), next_time(stored, server, 4)));
    }
    if (server.flushed < stored.position)
        return restored(fmt::format("its WAL ends at {}, before the stored position {}", to_string(server.flushed),
                                    to_string(stored.position)));
    if (stored.restored_before && server.timeline == stored.timeline &&
        !(server.slot && stored.slot_confirmed.valid() && server.slot->confirmed_flush >= stored.slot_confirmed))
        return restored(
            fmt::format("its WAL was seen to end before the stored position {}; what it wrote since is another history",
                        to_string(stored.position)));
    return std::nullopt;
}

std::optional<Error> judge_database(const StoredIdentity &stored, const ServerIdentity &server) {
    if (server.database_oid == stored.database_oid) return std::nullopt; // renamed is still the same
    return Error(ErrorKind::database_replaced, fmt::format("database {}", server.database),
                 fmt::format("it has oid {}, the task belongs to database {} with oid {}", server.database_oid,
                             stored.database, stored.database_oid),
                 "Point source.url at the original database; if it was dropped and created again, start over with "
                 "walbridge reset.");
}

std::optional<Error> judge_slot(const StoredIdentity &stored, const ServerIdentity &server) {
    const auto object = fmt::format("slot {}", stored.slot);
    const auto promoted = promotion(stored, server);
    if (!server.slot && !promoted.empty())
        return Error(
            ErrorKind::slot_missing, object,
            fmt::format("{}, and it does not have the slot: it was not synchronised to this standby", promoted),
            after_promotion(stored, server));
    if (!server.slot)
        return Error(
            ErrorKind::slot_missing, object, "it does not exist on the source",
            fmt::format("It was dropped (by walbridge itself, if slot.on_limit is \"drop\" and the target could "
                        "not be reached then), or the source failed over without it. {}",
                        start_over));
    const auto &slot = *server.slot;
    if (slot.plugin != stored.plugin || slot.database != server.database)
        return Error(ErrorKind::slot_recreated, object,
                     fmt::format("it was created again: plugin {} in database {}, the task's had {} in {}", slot.plugin,
                                 slot.database, stored.plugin, stored.database),
                     start_over);
    if (slot.temporary)
        return Error(ErrorKind::slot_missing, object,
                     fmt::format("{}it is temporary there: its synchronisation had begun and was not completed",
                                 promoted.empty() ? "" : promoted + "; "),
                     after_promotion(stored, server));
    if (!promoted.empty() && (slot.wal_status == "lost" || !slot.invalidated.empty() || !slot.has_restart_lsn))
        return Error(ErrorKind::slot_lost, object,
                     fmt::format("{}, and its copy of the slot is invalid{}", promoted,
                                 slot.invalidated.empty() ? "" : " (" + slot.invalidated + ")"),
                     after_promotion(stored, server));
    if (!slot.invalidated.empty() && slot.wal_status != "lost")
        return Error(
            ErrorKind::slot_lost, object, fmt::format("the server invalidated it ({})", slot.invalidated),
            slot.invalidated == "idle_timeout"
                ? fmt::format("Raise idle_replication_slot_timeout on the source, or set it to 0. {}", start_over)
                : std::string(start_over));
    if (slot.wal_status == "lost" || !slot.has_restart_lsn)
        return Error(ErrorKind::slot_lost, object,
                     "the server invalidated it: the WAL it needs is gone (wal_status lost)",
                     fmt::format("Raise max_slot_wal_keep_size on the source. {}", start_over));
    if (slot.confirmed_flush <= stored.position) return std::nullopt;
    if (!promoted.empty())
        return Error(ErrorKind::slot_advanced, object,
                     fmt::format("{}, and its slot stands at {}, past the stored position {}: it is not the slot that "
                                 "this task left",
                                 promoted, to_string(slot.confirmed_flush), to_string(stored.position)),
                     after_promotion(stored, server));

    const auto moved = fmt::format("its confirmed position {} is past the stored position {}",
                                   to_string(slot.confirmed_flush), to_string(stored.position));
    if (slot.transactions && stored.slot_transactions && *slot.transactions < *stored.slot_transactions)
        return Error(
            ErrorKind::slot_recreated, object,
            fmt::format(
                "{}, and it has decoded {} transactions where {} were seen before: it was dropped and created again",
                moved, *slot.transactions, *stored.slot_transactions),
            start_over);
    return Error(
        ErrorKind::slot_advanced, object,
        fmt::format("{}: somebody read from it or advanced it{}", moved,
                    slot.transactions && stored.slot_transactions ? "" : ", or dropped it and created it again"),
        fmt::format("No other reader and no pg_replication_slot_advance may use the slot. {}", start_over));
}

} // namespace

std::optional<Error> judge_identity(const StoredIdentity &stored, const ServerIdentity &server) {
    for (const auto judge : {judge_cluster, judge_timeline, judge_database, judge_slot})
        if (auto error = judge(stored, server)) return error;
    return std::nullopt;
}

std::vector<TimelineEnd> parse_timeline_history(std::string_view content) {
    std::vector<TimelineEnd> ends;
    while (!content.empty()) {
        const auto line_end = content.find('\n');
        auto line = content.substr(0, line_end);
        content = line_end == std::string_view::npos ? std::string_view{} : content.substr(line_end + 1);
        TimelineEnd end;
        const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), end.timeline);
        if (error != std::errc{}) continue; // a comment or a blank line
        line.remove_prefix(static_cast<std::size_t>(rest - line.data()));
        const auto from = line.find_first_not_of(" \t");
        if (from == std::string_view::npos) continue;
        line.remove_prefix(from);
        if (const auto lsn = parse_lsn(line.substr(0, line.find_first_of(" \t")))) {
            end.end = *lsn;
            ends.push_back(end);
        }
    }
    return ends;
}

} // namespace walbridge::task
