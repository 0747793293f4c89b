// identity.hpp: is this still the source that the stored position belongs to, and can its slot go on from there?
// The decision is a pure function over what we stored and what the server says (architecture, "Exactly once" 3);
// reading the server is identity_probe.hpp's. It is asked at every start and at every reconnect.
//
// Why these checks never raise a false alarm: a position is stored before it is confirmed to the source, so the slot's
// confirmed_flush_lsn can only be behind or equal; and a position never exceeds what the source had flushed. The
// transaction count of pg_stat_replication_slots survives clean restarts but not a crash of the source, and anybody may
// reset it: it never raises an error by itself, it only tells which of two errors explains a violated invariant.
//
// A source restored from an older copy is seen by its WAL ending before our position. It goes on writing, and soon its
// positions look right again: so the verdict is remembered, until a source answers whose slot has come as far as we had
// seen.
#pragma once

#include "base/error.hpp"
#include "base/lsn.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::task {

/// What the target holds about the source.
struct StoredIdentity {
    std::string system; ///< system identifier of the cluster
    std::uint32_t timeline = 0;
    std::string database;
    std::uint32_t database_oid = 0;
    std::string slot, plugin;
    Lsn slot_created;
    Lsn position;
    std::optional<std::int64_t> slot_transactions{}; ///< total_txns last seen; unknown on 13
    Lsn slot_confirmed{};                            ///< confirmed_flush_lsn last seen
    bool restored_before = false;                    ///< the verdict was source_restored before
};

/// The end of a timeline in the server's history: timeline `timeline` was left at `end`.
struct TimelineEnd {
    std::uint32_t timeline = 0;
    Lsn end;
};

/// What the server says now.
struct ServerIdentity {
    struct Slot {
        std::string plugin, database;
        Lsn confirmed_flush;
        std::string wal_status; ///< reserved, extended, unreserved, lost
        std::optional<std::int64_t> transactions;
        bool temporary = false;       ///< on a new primary: a copy that was never completed (17+)
        bool has_restart_lsn = true;  ///< it still says from where WAL is needed
        std::string invalidated = {}; ///< why the server gave it up: "wal_removed", ... (17+)
        bool failover = false;        ///< synchronised to standbys (17+)
    };
    std::string system;
    std::uint32_t timeline = 0;
    std::vector<TimelineEnd> history; ///< of the timelines before the current one
    Lsn flushed;                      ///< IDENTIFY_SYSTEM's xlogpos
    int version = 0;                  ///< such as 170002; 0 = not known
    std::string database;
    std::uint32_t database_oid = 0;
    std::optional<Slot> slot;
};

/// nullopt: go on. Else the error, with the remedy.
[[nodiscard]] std::optional<Error> judge_identity(const StoredIdentity &stored, const ServerIdentity &server);

/// Reads the content of a timeline history file (`1\t0/3000000\treason` per line, comments and blanks skipped).
[[nodiscard]] std::vector<TimelineEnd> parse_timeline_history(std::string_view content);

} // namespace walbridge::task
