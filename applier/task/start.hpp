// start.hpp: the beginning of a new task: precheck, slot, plan, and the one target transaction that stores them
// together.
#pragma once

#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "copy/initial_load.hpp"
#include "source/snapshot.hpp"
#include "task/identity.hpp"
#include "task/live.hpp"

#include <memory>

namespace walbridge::task {

/// The version of the output plugin's SQL name: what the slot is created with.
inline constexpr const char *slot_plugin = "walbridge";

/// Creates the slot and stores plan, identity and progress row in one transaction of `control`, the session that holds
/// the task's lock: a COMMIT without an answer has ended before the next process gets the lock. A slot that an earlier
/// try of this task left without a plan is dropped; nothing was read from it. Returns the slot's snapshot for the copy.
/// Throws Error: precheck, task_state (the slot belongs to somebody else), plugin, permission, connection, ...
std::unique_ptr<source::ExportedSnapshot> start_new_task(const TaskConfig &config, sql::Session &control,
                                                         const copy::InitialLoad &load, Live &live,
                                                         const StopToken &stop);

/// Whether the slot is to be synchronised to standbys: slot.failover, where the server can (17+).
[[nodiscard]] bool wants_failover(const TaskConfig &config, int server_version);

/// Brings the failover property of an existing slot in line with slot.failover; best effort. Where it must change,
/// older receivers are ended and whoever else holds the slot is waited for, 10 s at most. Call only when the epoch was
/// taken over.
void follow_failover_setting(const TaskConfig &config, pg::Session &replication, const ServerIdentity &server);

/// Ends walsenders of older processes of this task that still hold its slot. Call only when the epoch was taken over.
void end_older_receivers(pg::Session &source, const TaskConfig &config);

/// Drops the task's slot on the source if it is there, after ending older receivers of the task; whoever else holds it
/// is waited for, 10 s at most. False when there was none.
bool drop_slot(pg::Session &source, const TaskConfig &config);

} // namespace walbridge::task
