// fence.hpp: the proof, inside a transaction on the target, that no other process has taken the task over.
#pragma once

#include "base/sql/session.hpp"

#include <cstdint>
#include <string>

namespace walbridge::sql {

/// Of one running task. Holding the fence makes a takeover wait for the transaction's end but does not stand in the way
/// of other sessions of the same task. Immutable; safe for several threads.
class Fence {
  public:
    Fence(std::string task, std::uint64_t epoch) : task_(std::move(task)), epoch_(epoch) {}

    /// Begins a transaction and holds the fence in it. Throws Error(fenced).
    void begin(Session &session) const;
    /// Holds the fence in the open transaction. Throws Error(fenced); the transaction is then of no use any more.
    void hold(Session &session) const;
    /// Runs `body` in a transaction behind the fence; rolls back when it throws.
    template <class Body> void around(Session &session, Body &&body) const {
        try {
            begin(session);
            body();
            session.ask("COMMIT");
        } catch (...) {
            session.rollback_quietly();
            throw;
        }
    }

  private:
    std::string task_;
    std::uint64_t epoch_;
};

/// Locks the task's row until the open transaction ends. Whoever numbers something of the task behind what is there
/// (items of the schema stage, changes of its tables) holds it: its process, sync tasks and command lines do so side by
/// side.
void hold_task(Session &session, const std::string &task);

} // namespace walbridge::sql
