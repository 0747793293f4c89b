// fence.hpp: closing a database to everybody but walbridge, and proving that it is closed (decision 23): CONNECT is
// revoked, new sessions are read-only, the others' sessions are ended.
//
// Superusers cannot be kept out by a revoke. What they would write behind the fence is found before the point of no
// return (the stream shows it), never assumed away.
#pragma once

#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "switchover/journal.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace walbridge::switchover {

struct FenceStep {
    std::string statement;
    Undo undo;
};

struct Obstacle {
    std::string reason, remedy;
};

struct FencePlan {
    std::vector<FenceStep> steps;    ///< run in one transaction
    std::vector<Obstacle> obstacles; ///< each makes the fence impossible
    std::vector<std::string> notes;  ///< what the fence cannot do
};

/// What closing the session's database takes. Reads only.
[[nodiscard]] FencePlan plan_fence(pg::Session &source);

/// Somebody else's connection to the database.
struct ForeignSession {
    int pid = 0;
    std::string who; ///< "app from 10.0.0.7 (rails), in a transaction for 3 s"
    bool in_transaction = false;
    bool client = true; ///< false: a background worker, which cannot be ended from here
};

/// Sessions of the database that are not walbridge's. Walsenders and the server's own workers do not count.
[[nodiscard]] std::vector<ForeignSession> foreign_sessions(pg::Session &source);

/// Runs the plan's steps in one transaction. The caller has noted their undo.
void raise(pg::Session &source, const FencePlan &plan);

struct Silence {
    int ended = 0;                          ///< sessions that were ended
    std::vector<ForeignSession> remaining;  ///< those that could not be
    std::vector<std::string> still_allowed; ///< roles, no superusers, that may connect all the same
};

/// Ends sessions between their transactions at once and those in a transaction after `grace`; returns when nobody is
/// left, or with who is.
[[nodiscard]] Silence silence(pg::Session &source, std::chrono::milliseconds grace, const StopToken &stop);

/// Ends nobody: waits until the others are gone by themselves. Throws Error(switchover_refused) after `patience`.
void wait_until_quiet(pg::Session &source, std::chrono::milliseconds patience, const StopToken &stop);

} // namespace walbridge::switchover
