// slot_watch.cpp: one query over pg_replication_slots and its statistics.
#include "task/slot_watch.hpp"

#include <fmt/format.h>

namespace walbridge::task {

std::optional<SlotStatus> read_slot(pg::Session &source, const std::string &slot) {
    const bool counted = source.server_version() >= 140000;
    const auto row = source.query(
        fmt::format(
            "SELECT s.plugin, s.database, s.wal_status, s.restart_lsn, s.confirmed_flush_lsn, s.active, s.active_pid, "
            "s.safe_wal_size, "
            "w.lsn - s.restart_lsn, w.lsn - s.confirmed_flush_lsn, {} "
            "FROM pg_catalog.pg_replication_slots s {} CROSS JOIN (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
            "THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) w WHERE "
            "s.slot_name = $1",
            counted ? "t.total_txns" : "NULL::bigint",
            counted ? "LEFT JOIN pg_catalog.pg_stat_replication_slots t ON t.slot_name = s.slot_name" : ""),
        {slot});
    if (row.rows() == 0) return std::nullopt;
    const auto number = [&](int column) -> std::optional<std::int64_t> {
        if (row.null(0, column)) return std::nullopt;
        return std::stoll(row.text(0, column));
    };
    SlotStatus status;
    status.plugin = row.text(0, 0);
    status.database = row.text(0, 1);
    status.wal_status = row.text(0, 2);
    status.restart_lsn = row.text(0, 3);
    status.confirmed_flush = row.text(0, 4);
    status.active = row.flag(0, 5);
    if (const auto pid = number(6)) status.active_pid = static_cast<int>(*pid);
    status.safe_wal_size = number(7);
    status.retained_bytes = number(8);
    status.lag_bytes = number(9);
    status.transactions = number(10);
    return status;
}

} // namespace walbridge::task
