// identity_probe.cpp: IDENTIFY_SYSTEM, TIMELINE_HISTORY and the slot's row, through the simple protocol of a walsender.
#include "task/identity_probe.hpp"

#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

Lsn lsn_at(const pg::Result &result, int column) {
    return result.null(0, column) ? Lsn{} : parse_lsn(result.get(0, column)).value_or(Lsn{});
}

} // namespace

ServerIdentity probe_identity(pg::Session &replication, const std::string &slot) {
    ServerIdentity server;
    const auto system = replication.execute("IDENTIFY_SYSTEM");
    server.system = system.text(0, 0);
    server.timeline = static_cast<std::uint32_t>(system.number(0, 1));
    server.flushed = lsn_at(system, 2);
    server.database = system.text(0, 3);
    if (server.timeline > 1) {
        const auto history = replication.execute(fmt::format("TIMELINE_HISTORY {}", server.timeline));
        server.history = parse_timeline_history(history.get(0, 1));
    }
    const auto database =
        replication.execute("SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()");
    server.database_oid = static_cast<std::uint32_t>(database.number(0, 0));

    server.version = replication.server_version();
    // The statistics of slots exist from 14 on.
    const bool counted = replication.server_version() >= 140000;
    const auto row = replication.execute(
        fmt::format("SELECT s.plugin, s.database, s.confirmed_flush_lsn, s.wal_status, {}, s.temporary, "
                    "s.restart_lsn IS NOT NULL, {} FROM "
                    "pg_catalog.pg_replication_slots s {} WHERE s.slot_name = {}",
                    counted ? "t.total_txns" : "NULL::bigint",
                    server.version >= 170000 ? "coalesce(s.invalidation_reason, ''), s.failover" : "'', false",
                    counted ? "LEFT JOIN pg_catalog.pg_stat_replication_slots t ON t.slot_name = s.slot_name" : "",
                    dialect::postgres::quote_literal(slot)));
    if (row.rows() > 0) {
        ServerIdentity::Slot found;
        found.plugin = row.text(0, 0);
        found.database = row.text(0, 1);
        found.confirmed_flush = lsn_at(row, 2);
        found.wal_status = row.text(0, 3);
        if (!row.null(0, 4)) found.transactions = row.number(0, 4);
        found.temporary = row.flag(0, 5);
        found.has_restart_lsn = row.flag(0, 6);
        found.invalidated = row.text(0, 7);
        found.failover = row.flag(0, 8);
        server.slot = std::move(found);
    }
    return server;
}

void check_source_identity(pg::Session &replication, const StoredIdentity &stored) {
    if (auto verdict = judge_identity(stored, probe_identity(replication, stored.slot))) throw Error(*verdict);
}

} // namespace walbridge::task
