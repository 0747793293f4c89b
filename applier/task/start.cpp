// start.cpp: a new task's first steps, each safe to be cut off.
#include "task/start.hpp"

#include "base/log.hpp"
#include "copy/existing_tables.hpp"
#include "dialect/postgres.hpp"
#include "target/state_session.hpp"
#include "task/identity_probe.hpp"
#include "task/kept_objects.hpp"
#include "task/limit_mark.hpp"
#include "task/precheck.hpp"
#include "task/replica_identity.hpp"
#include "task/slot_watch.hpp"
#include "task/state_store.hpp"
#include "task/table_rules_store.hpp"

#include <fmt/format.h>
#include <thread>

namespace walbridge::task {
namespace {

constexpr const char *slot_in_use = "55006"; // object_in_use

/// A slot of our name before the plan is stored: left over by an earlier try of this task, or somebody else's.
void clear_leftover_slot(const TaskConfig &config, pg::Session &source, const TaskRow &row,
                         const StoredIdentity &here) {
    const auto slot = read_slot(source, config.slot_name());
    if (!slot) return;
    const bool ours = row.slot == config.slot_name() && row.identity.system == here.system &&
                      row.identity.database_oid == here.database_oid && slot->plugin == slot_plugin &&
                      slot->database == here.database;
    if (!ours)
        throw Error(
            ErrorKind::task_state, fmt::format("slot {}", config.slot_name()),
            fmt::format("it exists on the source and is not this task's: plugin {}, database {}{}", slot->plugin,
                        slot->database, slot->active ? ", in use" : ""),
            fmt::format(
                "Choose another task name, or, if nobody needs the slot: SELECT pg_drop_replication_slot('{}');",
                config.slot_name()));
    log::info("dropping the slot of an earlier try that did not store its plan", {{"slot", config.slot_name()}});
    drop_slot(source, config);
}

using Clock = std::chrono::steady_clock;

/// How long a walsender may take to notice that its client has gone.
constexpr std::chrono::seconds holder_leaves{10};

/// Ends older receivers of the task and waits until nobody holds its slot. False when somebody still does at `until`.
bool await_idle_slot(pg::Session &source, const TaskConfig &config, Clock::time_point until) {
    for (;;) {
        end_older_receivers(source, config);
        const auto slot = read_slot(source, config.slot_name());
        if (!slot || !slot->active) return true;
        if (Clock::now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
    }
}

/// Runs `body`, which takes the slot, when nobody holds it; again when somebody was faster, for `holder_leaves` at
/// most.
template <class Body> auto with_idle_slot(pg::Session &source, const TaskConfig &config, Body &&body) {
    const auto until = Clock::now() + holder_leaves;
    for (;;) {
        const bool idle = await_idle_slot(source, config, until);
        try {
            return body(idle);
        } catch (const SqlError &error) {
            if (error.sqlstate() != slot_in_use || !idle) throw;
        }
    }
}

} // namespace

bool wants_failover(const TaskConfig &config, int server_version) {
    return server_version >= 170000 && config.slot.failover != "off";
}

void follow_failover_setting(const TaskConfig &config, pg::Session &replication, const ServerIdentity &server) {
    if (server.version < 170000 || !server.slot) return;
    const bool wanted = wants_failover(config, server.version);
    if (server.slot->failover == wanted) return;
    const auto give_up = [&](const std::string &reason) {
        log::warning("could not change the failover property of the slot",
                     {{"slot", config.slot_name()}, {"wanted", wanted}, {"reason", reason}});
    };
    try {
        // A process that ended a moment ago may have left a walsender. The server itself would wait for it without end.
        pg::Session source(
            config.source.endpoint,
            {.application_name = config.application_name("start"), .replication = false, .settings = {}});
        with_idle_slot(source, config, [&](bool idle) {
            if (!idle) return give_up("another session holds it");
            replication.execute(fmt::format("ALTER_REPLICATION_SLOT {} (FAILOVER {})",
                                            dialect::postgres::quote_identifier(config.slot_name()), wanted));
            log::info("changed the failover property of the slot",
                      {{"slot", config.slot_name()}, {"failover", wanted}});
        });
    } catch (const SqlError &error) {
        give_up(error.reason());
    }
}

void end_older_receivers(pg::Session &source, const TaskConfig &config) {
    const auto ended =
        source.query("SELECT a.pid, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_replication_slots s "
                     "JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid "
                     "WHERE s.slot_name = $1 AND pg_catalog.starts_with(a.application_name, $2)",
                     {config.slot_name(), config.application_name("")});
    for (int row = 0; row < ended.rows(); ++row)
        log::info("ended an older process's connection to the slot",
                  {{"slot", config.slot_name()}, {"pid", ended.text(row, 0)}});
}

bool drop_slot(pg::Session &source, const TaskConfig &config) {
    remove_limit_mark(source, config);
    return with_idle_slot(source, config, [&](bool) { // still held: the server's error names the holder
        return source
                   .query("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM "
                          "pg_catalog.pg_replication_slots WHERE slot_name = $1 AND database = "
                          "pg_catalog.current_database() AND plugin = $2",
                          {config.slot_name(), slot_plugin})
                   .rows() > 0;
    });
}

std::unique_ptr<source::ExportedSnapshot> start_new_task(const TaskConfig &config, sql::Session &control,
                                                         const copy::InitialLoad &load, Live &live,
                                                         const StopToken &stop) {
    // Connecting first makes an unreachable server a connection error, which is retried, and not a finding of precheck.
    pg::Session replication(
        config.source.endpoint,
        {.application_name = config.application_name("identity"), .replication = true, .settings = {}});
    pg::Session source(config.source.endpoint,
                       {.application_name = config.application_name("start"), .replication = false, .settings = {}});
    const auto server = probe_identity(replication, config.slot_name());
    StoredIdentity identity{.system = server.system,
                            .timeline = server.timeline,
                            .database = server.database,
                            .database_oid = server.database_oid,
                            .slot = config.slot_name(),
                            .plugin = slot_plugin,
                            .slot_created = {},
                            .position = {}};
    remove_limit_mark(source, config); // of a task whose state somebody removed by hand
    clear_leftover_slot(config, source, read_task(control, config.name).value(), identity);

    live.set_state(State::prechecking);
    set_state(control, config.name, std::nullopt, State::prechecking);
    require_precheck(config);
    set_replica_identities(config, source, control);

    // From here on a slot of this name is ours, whatever happens.
    store_slot_intent(control, config.name, config.slot_name(), identity);
    const auto first = config.schema_stage ? State::schema : State::full;
    live.set_state(first);
    set_state(control, config.name, std::nullopt, first);
    auto snapshot = std::make_unique<source::ExportedSnapshot>(
        config.source.endpoint,
        source::SlotRequest{.slot = config.slot_name(),
                            .life = source::SlotLife::permanent,
                            .plugin = slot_plugin,
                            .application_name = config.application_name("snapshot"),
                            .failover = wants_failover(config, source.server_version())},
        stop);
    identity.slot_created = snapshot->lsn();
    log::info("created the slot", {{"slot", config.slot_name()}, {"lsn", to_string(snapshot->lsn())}});
    try {
        const auto plan = load.plan(*snapshot);
        control.ask("BEGIN");
        store_identity(control, config.name, identity);
        target::create_progress(control, config.name, snapshot->lsn());
        load.store(plan, control);
        adopt_kept_objects(control, config.name);
        copy::leave_definitions(control, config.name, plan.existing);
        store_renames(control, config);
        note_rules(control, config);
        store_phase(control, config.name, config.schema_stage || config.full_stage ? Phase::load : Phase::follow);
        control.ask("COMMIT");
        log::info("stored the plan", {{"objects", plan.items.size()}, {"chunks", plan.chunks.size()}});
    } catch (...) {
        // Nothing was read from the slot; if the COMMIT went through after all, the next start finds the plan and the
        // slot.
        control.rollback_quietly();
        throw;
    }
    return snapshot;
}

} // namespace walbridge::task
