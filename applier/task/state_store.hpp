// state_store.hpp: the task's row in the target's walbridge.task: installing the state, reading it, changing it, and
// the lock that one running process holds. Nothing here decides what the target's data holds: that is the progress row
// (target/progress.hpp).
#pragma once

#include "base/error.hpp"
#include "base/lsn.hpp"
#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "task/identity.hpp"
#include "task/state.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// sql/target_state.sql and sql/target_state_mysql.sql, embedded at build time.
extern const char *const target_state_sql;
extern const char *const target_state_mysql_sql;
/// The shape of the state this program reads and writes.
inline constexpr int state_version = 7;

/// Creates or upgrades the schema `walbridge` of the target where needed, one process at a time.
/// Throws Error(task_state) when a newer walbridge wrote it.
void install_state(sql::Session &target);
[[nodiscard]] bool state_installed(sql::Session &target);

struct TaskRow {
    State state = State::fresh;
    Phase phase = Phase::none;
    bool paused = false;
    std::optional<std::string> error; ///< JSON of the last failure
    std::vector<std::string> stages;
    std::string renames;             ///< as by stored_form(); empty = none, or no plan stored yet
    std::optional<std::string> slot; ///< set before the slot is created
    StoredIdentity identity;         ///< without the position; empty system = none stored yet
    std::optional<std::string> holder, control, status;
    std::string reverse_of, reverse_task; ///< the other task of a two-way pair; empty = none
    std::string throttle;                 ///< limits set while running, as JSON; empty = none
    std::optional<double> status_age;     ///< seconds
    std::string updated_at;
};

/// nullopt when the state is not installed or holds no such task.
[[nodiscard]] std::optional<TaskRow> read_task(sql::Session &target, const std::string &task);

/// The stages of a task as stored.
[[nodiscard]] std::vector<std::string> stage_names(const TaskConfig &config);

/// The renames of a task as they are stored: one per line, sorted.
[[nodiscard]] std::string stored_form(const NameMap &names);
/// Notes the renames that the plan was made under: the task's tables are called so from then on.
void store_renames(sql::Session &target, const TaskConfig &config);

/// Selection and renames of a task as walbridge.task holds them for the prechecks of other tasks.
struct TaskObjects {
    std::vector<std::string> include, exclude;
    NameMap names;
};
[[nodiscard]] std::string objects_json(const TaskConfig &config);
/// nullopt for what is not such a text.
[[nodiscard]] std::optional<TaskObjects> read_objects(const std::string &text);
/// What the task's last process stored; nullopt without any.
[[nodiscard]] std::optional<TaskObjects> load_objects(sql::Session &target, const std::string &task);

/// Notes the way back of a task on the task's own row; empty = it has none.
void store_reverse_task(sql::Session &target, const std::string &task, const std::string &reverse);

/// Creates the row of a new task; of an existing one brings up to date what other tasks are to know.
void create_task(sql::Session &target, const TaskConfig &config);

/// The statements that remove everything stored about a task, in order. With `keep_created` replica identities that
/// were set and objects that were left in place stay known. The record of a switchover always stays: a switchback needs
/// it.
[[nodiscard]] std::vector<std::string> removal_statements(const std::string &task, bool keep_created,
                                                          sql::Dialect database);

/// Removes everything stored about the task (rows of all tables of the state). With `keep_created`, what its schema
/// stage created is remembered, so that the next life of the task does not stumble over it.
void remove_task(sql::Session &target, const std::string &task, bool keep_created);

/// Changes the state unless another process has taken the task over (its epoch is not `epoch`; nullopt = none taken
/// yet) and unless the task was switched over. False when nothing was changed.
bool set_state(sql::Session &target, const std::string &task, std::optional<std::uint64_t> epoch, State state,
               const std::optional<std::string> &error = std::nullopt);

/// An error as it is stored and shown: kind, object, reason, remedy, exit_code, at.
[[nodiscard]] std::string error_json(const Error &error);

/// Notes that a slot of this name is about to be created for the task on that cluster: what a restart may take for its
/// own.
void store_slot_intent(sql::Session &target, const std::string &task, const std::string &slot,
                       const StoredIdentity &source);
void store_identity(sql::Session &target, const std::string &task, const StoredIdentity &identity);
/// What was last seen of the slot while streaming from it; only while the epoch still is ours.
void store_slot_figures(sql::Session &target, const std::string &task, std::uint64_t epoch,
                        std::optional<std::int64_t> transactions, const std::string &confirmed);
/// Remembers (or forgets) that a source answered whose WAL ended before our position.
void store_restored(sql::Session &target, const std::string &task, bool restored);
/// With Phase::follow a state of the load becomes catching-up in the same statement: whoever sees that the task follows
/// (`walbridge wait`) may go on at once with what a loading task refuses.
void store_phase(sql::Session &target, const std::string &task, Phase phase);

/// Tells the process that runs the task that its row has news for it; heard when the caller's transaction commits.
void notify_task(sql::Session &target, const std::string &task);
/// The channel of that.
[[nodiscard]] std::string task_channel(const std::string &task);

/// Asks the process that runs the task for something: "pause", "resume", "stop"; nullopt withdraws.
void request_control(sql::Session &target, const std::string &task, const std::optional<std::string> &request);

/// The session that holds the task's lock on the target, by the server's number; nullopt when no process runs it.
[[nodiscard]] std::optional<long long> lock_holder(sql::Session &target, const std::string &task);

/// Takes the lock for the life of `target`. A holder whose status is older than `stale` is a process that hangs or is
/// cut off: its backend is ended (the epoch fences whatever it still tries). Throws Error(task_state) when a living
/// process holds it.
void lock_task(sql::Session &target, const std::string &task, std::chrono::seconds stale = std::chrono::seconds(10));

/// host, process id.
[[nodiscard]] std::string holder_name();

} // namespace walbridge::task
