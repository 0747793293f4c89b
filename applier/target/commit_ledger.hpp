// commit_ledger.hpp: what all apply sessions of one running task know together: the position the target holds, the
// epoch it was taken over with, and how much of it is durable.
//
// Any session may make the next commit; the caller lets them commit one after the other, in the source's order. A
// session calls committing() right before its fenced commit and committed() right after. Safe for several threads.
// Lives as long as one run of the incremental stage: when one session's connection breaks, all start anew.
#pragma once

#include "target/durability.hpp"
#include "target/progress.hpp"
#include "target/target.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace walbridge::target {

class CommitLedger {
  public:
    using Clock = std::chrono::steady_clock;

    /// `progress` is what take_over returned.
    explicit CommitLedger(const Progress &progress) : progress_(progress), durability_(progress.position) {}

    /// A fenced commit is about to be sent; returns what it continues from. Noted before, so that a session which
    /// connects to the server's next life in the meantime does not take the commit for one of that life.
    Progress committing(const CommitPosition &position) {
        const std::lock_guard lock(mutex_);
        durability_.committing(position.position);
        return progress_;
    }

    /// Position, counter and epoch that the next fenced commit continues from.
    [[nodiscard]] Progress current() const {
        const std::lock_guard lock(mutex_);
        return progress_;
    }

    /// The commit was not executed, for sure: nothing of it stands.
    void refused() {
        const std::lock_guard lock(mutex_);
        durability_.refused();
    }

    /// A COMMIT returned; its record ends before `inserted` in the target's WAL.
    void committed(const CommitPosition &position, Lsn inserted) {
        const std::lock_guard lock(mutex_);
        progress_.position = position.position;
        if (position.counter != 0) {
            progress_.counter = position.counter;
            progress_.begun.reset();
        }
        durability_.committed(inserted);
        last_commit_ = Clock::now();
    }

    /// The target has flushed its WAL up to `flushed`, says a session that connected after `since` commits.
    void flushed(Lsn flushed, std::uint64_t since) {
        const std::lock_guard lock(mutex_);
        durability_.flushed(flushed, since);
    }

    [[nodiscard]] std::uint64_t commits() const {
        const std::lock_guard lock(mutex_);
        return durability_.commits();
    }

    struct Durability {
        Lsn durable; ///< in commit order: everything up to here is safe
        bool outstanding = false;
        Clock::time_point last_commit;
    };
    [[nodiscard]] Durability durability() const {
        const std::lock_guard lock(mutex_);
        return {durability_.durable(), durability_.outstanding(), last_commit_};
    }

    /// The target is about to hold the beginning of a source transaction.
    void begun(const BegunTransaction &transaction) {
        const std::lock_guard lock(mutex_);
        progress_.begun = transaction;
    }

    /// A session has changed the target's tables: statements that others have prepared may no longer fit.
    void note_ddl() { ++ddl_; }
    [[nodiscard]] std::uint64_t ddl() const { return ddl_; }

  private:
    std::atomic<std::uint64_t> ddl_{0};
    mutable std::mutex mutex_;
    Progress progress_;
    DurabilityTracker durability_;
    Clock::time_point last_commit_{};
};

} // namespace walbridge::target
