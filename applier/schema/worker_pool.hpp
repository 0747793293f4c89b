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
#include <memory>
#include <mutex>
#include <type_traits>

namespace walbridge::schema {

/// The sessions of one worker, by number. Opened and closed by its thread; cancel() may come from another.
class WorkerSession {
  public:
    WorkerSession(const StopToken &stop, const std::atomic<bool> &failed) : stop_(stop), failed_(failed) {}

    static constexpr std::size_t count = 2;

    /// The open session, or a new one made by `connect`: a unique_ptr to a session, or to something that has one
    /// (`session()`), or a pg::Session itself. A number always holds the same kind.
    template <class Connect> auto &open(Connect &&connect, std::size_t number = 0) {
        using Made = std::invoke_result_t<Connect>;
        if constexpr (std::is_same_v<Made, pg::Session>) {
            return open([&] { return std::make_unique<pg::Session>(connect()); }, number);
        } else {
            using Resource = typename Made::element_type;
            auto &slot = slots_.at(number);
            if (!slot.owner) keep(slot, std::shared_ptr<Resource>(connect()));
            return *static_cast<Resource *>(slot.owner.get());
        }
    }
    void close(std::size_t number = 0);
    void cancel();
    /// A stop was requested or another worker failed.
    [[nodiscard]] bool stopping() const { return stop_.requested() || failed_; }

  private:
    struct Slot {
        std::shared_ptr<void> owner;
        sql::Session *session = nullptr; ///< what cancel() reaches
    };
    template <class Resource> void keep(Slot &slot, std::shared_ptr<Resource> made) {
        sql::Session *session = nullptr;
        if constexpr (std::is_base_of_v<sql::Session, Resource>)
            session = made.get();
        else
            session = &made->session();
        const std::lock_guard lock(mutex_);
        slot = {std::move(made), session};
    }

    const StopToken &stop_;
    const std::atomic<bool> &failed_;
    std::mutex mutex_; // guards slots_ against cancel()
    std::array<Slot, count> slots_;
};

/// True when all workers came to their end; false when a stop was requested. Rethrows the first worker's error.
bool run_workers(int workers, const StopToken &stop, const std::function<void(WorkerSession &)> &work);

} // namespace walbridge::schema
