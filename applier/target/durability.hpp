// durability.hpp: which source positions are safe to confirm while target commits may be asynchronous.
// Pure bookkeeping over pairs (source position, target WAL position that must be flushed for it); no I/O.
#pragma once

#include "base/lsn.hpp"

#include <cstdint>
#include <deque>
#include <limits>

namespace walbridge::target {

/// A crash of the target reuses WAL positions. A session sees one life of the server only, so what it says about
/// flushed WAL counts for the commits that were made since it connected and for no earlier one; a session that was
/// there from the beginning (`since` 0) speaks for all.
class DurabilityTracker {
  public:
    explicit DurabilityTracker(Lsn durable) : durable_(durable) {}

    /// COMMIT is about to be sent for a transaction up to `source`.
    void committing(Lsn source) { waiting_.push_back({source, Lsn{std::numeric_limits<std::uint64_t>::max()}}); }
    /// It was not executed: nothing of it stands.
    void refused() { waiting_.pop_back(); }
    /// It returned: the commit record lies before `target` in the target's WAL.
    void committed(Lsn target) { waiting_.back().target = target; }

    /// The target has flushed its WAL up to `flushed`, says a session that connected after `since` commits.
    void flushed(Lsn flushed, std::uint64_t since = 0) {
        while (!waiting_.empty() && retired_ >= since && waiting_.front().target <= flushed) {
            durable_ = waiting_.front().source;
            waiting_.pop_front();
            ++retired_;
        }
    }

    /// Commits so far: what a session that connects now passes as `since`.
    [[nodiscard]] std::uint64_t commits() const { return retired_ + waiting_.size(); }

    [[nodiscard]] Lsn durable() const { return durable_; }
    [[nodiscard]] bool outstanding() const { return !waiting_.empty(); }

  private:
    struct Pair {
        Lsn source, target;
    };
    Lsn durable_;
    std::deque<Pair> waiting_;
    std::uint64_t retired_ = 0; ///< commits known to be durable
};

} // namespace walbridge::target
