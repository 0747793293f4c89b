// source_cost.hpp: what the task costs its source, as far as SQL can tell [I-18]: decoding, old rows that may not be
// vacuumed, sessions, snapshots and locks. The CPU time of the walsender is not visible to SQL; its wait events are.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace walbridge::task {

struct SourceCost {
    /// Of pg_stat_replication_slots, since its last reset; 14+.
    struct Decoding {
        std::int64_t transactions = 0, bytes = 0;
        std::int64_t spilled_transactions = 0, spills = 0,
                     spilled_bytes = 0;                             ///< written to the source's disk meanwhile
        std::int64_t streamed_transactions = 0, streamed_bytes = 0; ///< sent while they were in progress
    };
    std::optional<Decoding> decoding;
    std::optional<std::int64_t> catalog_xmin_age;     ///< transactions since the oldest catalog row the slot keeps
    std::string walsender_state, walsender_wait;      ///< "streaming", "Client:WalSenderWriteData"; empty = none
    int sessions = 0;                                 ///< of the task
    std::optional<std::int64_t> oldest_snapshot_age;  ///< of these, in transactions
    std::optional<double> oldest_transaction_seconds; ///< of these
    std::map<std::string, int> table_locks;           ///< of these, by mode
    int waiting_sessions = 0;                         ///< of others, for a table that these have locked
};

[[nodiscard]] SourceCost read_source_cost(pg::Session &source, const TaskConfig &config);

/// As it stands in the status under "source_cost".
[[nodiscard]] std::string source_cost_json(const SourceCost &cost);

} // namespace walbridge::task
