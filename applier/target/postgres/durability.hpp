// durability.hpp: which source positions are safe to confirm while target commits may be asynchronous.
// Pure bookkeeping over pairs (source position, target WAL position that must be flushed for it); no I/O.
#pragma once

#include "base/lsn.hpp"

#include <deque>

namespace walbridge::target {

/// Belongs to one target session: a crash of the target reuses WAL positions, so pairs never outlive their connection.
class DurabilityTracker {
  public:
    explicit DurabilityTracker(Lsn durable) : durable_(durable) {}

    /// A transaction up to `source` returned from COMMIT; its commit record lies before `target` in the target's WAL.
    void committed(Lsn source, Lsn target) { waiting_.push_back({source, target}); }

    /// The target has flushed its WAL up to `flushed`.
    void flushed(Lsn flushed) {
        while (!waiting_.empty() && waiting_.front().target <= flushed) {
            durable_ = waiting_.front().source;
            waiting_.pop_front();
        }
    }

    [[nodiscard]] Lsn durable() const { return durable_; }
    [[nodiscard]] bool outstanding() const { return !waiting_.empty(); }

  private:
    struct Pair {
        Lsn source, target;
    };
    Lsn durable_;
    std::deque<Pair> waiting_;
};

} // namespace walbridge::target
