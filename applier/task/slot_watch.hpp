// slot_watch.hpp: how a slot stands on the source: what it retains and whether the server still keeps its WAL.
#pragma once

#include "base/postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace walbridge::task {

struct SlotStatus {
    std::string plugin, database, wal_status, restart_lsn, confirmed_flush;
    bool active = false;
    std::optional<int> active_pid;
    std::optional<std::int64_t>
        safe_wal_size; ///< bytes that may still be written before the slot is lost; none = no limit
    std::optional<std::int64_t> retained_bytes; ///< WAL the slot keeps
    std::optional<std::int64_t> lag_bytes;      ///< WAL after its confirmed position
    std::optional<std::int64_t> transactions;   ///< total_txns, 14+
};

/// nullopt when the slot does not exist.
[[nodiscard]] std::optional<SlotStatus> read_slot(pg::Session &source, const std::string &slot);

} // namespace walbridge::task
