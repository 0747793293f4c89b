// statistics.hpp: what the incremental stage is doing, readable by any thread at any time (status, metrics).
#pragma once

#include <atomic>
#include <cstdint>

namespace walbridge::pipeline {

/// Positions are LSN values, times microseconds since 2000-01-01 UTC, 0 = not known yet.
struct Statistics {
    std::atomic<std::uint64_t> received_lsn{0};       ///< end of what the receiver has read
    std::atomic<std::uint64_t> applied_lsn{0};        ///< committed on the target
    std::atomic<std::uint64_t> durable_lsn{0};        ///< flushed on the target and confirmed to the source
    std::atomic<std::int64_t> applied_commit_time{0}; ///< source commit time of the last applied transaction
    std::atomic<std::int64_t> heartbeat_sent{0};      ///< source time of the last heartbeat that came through
    std::atomic<std::int64_t> heartbeat_lag_us{
        -1}; ///< its way from the source's WAL to the applied position; -1 = none yet
    std::atomic<std::int64_t> last_lag_us{
        -1}; ///< of the last applied transaction: applied minus commit time on the source
    std::atomic<std::uint64_t> transactions{0}, changes{0}, bytes{0};
    std::atomic<std::uint64_t> bulk_batches{0}, exact_batches{0}, fallbacks{0};
    std::atomic<std::uint64_t> parallel_runs{0}; ///< bulk batches that workers applied side by side
    std::atomic<std::uint64_t> conflicts{0};
    std::atomic<std::uint64_t> ddl_applied{0}, ddl_skipped{0}, ddl_refused{0}, ddl_recognised{0};
    std::atomic<bool> connected{false}, caught_up{false};
};

} // namespace walbridge::pipeline
