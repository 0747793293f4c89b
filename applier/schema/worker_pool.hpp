// worker_pool.hpp: a few threads, each with its sessions, that work until they are done, one of them fails or a stop is
// requested. The caller waits; on a stop or a failure it cancels the statements that still run. The first error is
// thrown to the caller.
#pragma once

#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>

namespace walbridge::schema {

/// The sessions of one worker, by number. Opened and closed by its thread; cancel() may come from another.
class WorkerSession {
  public:
    WorkerSession(const StopToken &stop, const std::atomic<bool> &failed) : stop_(stop), failed_(failed) {}

    static constexpr std::size_t count = 2;

    /// The open session, or a new one made by `connect`.
    pg::Session &open(const std::function<pg::Session()> &connect, std::size_t number = 0);
    void close(std::size_t number = 0);
    void cancel();
    /// A stop was requested or another worker failed.
    [[nodiscard]] bool stopping() const { return stop_.requested() || failed_; }

  private:
    const StopToken &stop_;
    const std::atomic<bool> &failed_;
    std::mutex mutex_; // guards sessions_ against cancel()
    std::array<std::optional<pg::Session>, count> sessions_;
};

/// True when all workers came to their end; false when a stop was requested. Rethrows the first worker's error.
bool run_workers(int workers, const StopToken &stop, const std::function<void(WorkerSession &)> &work);

} // namespace walbridge::schema
