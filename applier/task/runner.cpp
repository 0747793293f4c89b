// runner.cpp: attempts, what each continues with, and what follows a failure.
#include "task/runner.hpp"

#include "base/log.hpp"
#include "config/table_rules.hpp"
#include "copy/initial_load.hpp"
#include "pipeline/incremental.hpp"
#include "source/shape.hpp"
#include "target/state_session.hpp"
#include "task/alert_conditions.hpp"
#include "task/identity_probe.hpp"
#include "task/limit_mark.hpp"
#include "task/object_changes.hpp"
#include "task/replica_identity.hpp"
#include "task/slot_watch.hpp"
#include "task/start.hpp"
#include "task/table_rules_store.hpp"
#include "task/target_database.hpp"
#include "task/throttle_settings.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <random>
#include <unistd.h>

namespace walbridge::task {
namespace {

std::unique_ptr<sql::Session> open_control(const TaskConfig &config) {
    return target::open_state(config, config.application_name("control"));
}

/// The same, after creating the database where it is missing and the task asks for it.
std::unique_ptr<sql::Session> reach_target(const TaskConfig &config) {
    try {
        return open_control(config);
    } catch (const SqlError &error) {
        if (target::is_mysql(config) || !create_missing_database(config, error)) throw;
        return open_control(config);
    }
}

/// Whether the session survived what ended the last attempt; with it the task's lock did.
bool alive(sql::Session &session) {
    try {
        session.rollback_quietly();
        session.ask("SELECT 1");
        return true;
    } catch (const Error &) {
        return false;
    }
}

/// Sessions on the target that a process without the task's lock left behind: one that hangs keeps the replication
/// origin, which a single session may use. Whatever began before we got the lock is not ours.
void end_older_sessions(sql::Session &control, const TaskConfig &config) {
    if (control.dialect() != sql::Dialect::postgres) return; // taking the progress row over ends whoever holds it
    const auto ended = control.ask(
        "SELECT a.application_name, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a "
        "JOIN pg_catalog.pg_stat_activity me ON me.pid = pg_catalog.pg_backend_pid() WHERE a.datname = me.datname AND "
        "a.pid <> me.pid "
        "AND a.backend_start < me.backend_start AND pg_catalog.starts_with(a.application_name, $1) AND "
        "a.application_name <> $2",
        {config.application_name(""), config.application_name("precheck")});
    for (int row = 0; row < ended.rows(); ++row)
        log::info("ended a session that an older process of this task left on the target",
                  {{"session", ended.text(row, 0)}});
}

/// The incremental stage is reachable for pauses exactly while it runs.
class Attachment {
  public:
    Attachment(Live &live, pipeline::Incremental &incremental) : live_(live) { live_.attach(&incremental); }
    ~Attachment() {
        live_.attach(nullptr);
        live_.statistics.connected = false;
        live_.statistics.caught_up = false;
    }
    Attachment(const Attachment &) = delete;
    Attachment &operator=(const Attachment &) = delete;

  private:
    Live &live_;
};

} // namespace

Runner::Runner(const TaskConfig &config, StopToken &stop)
    : config_(config), stop_(stop), window_(config.retry, std::random_device{}()), alerter_(config, holder_name()) {}

void Runner::check_row(const TaskRow &row) const {
    const auto object = fmt::format("task {}", config_.name);
    if (!may_run(row.state))
        throw Error(ErrorKind::task_state, object, fmt::format("it is {}", name_of(row.state)),
                    "A task that was switched over or released never runs again; choose another name for a new one.");
    const auto failure = nlohmann::json::parse(row.error.value_or(""), nullptr, false);
    if (row.state == State::failed && failure.is_object() &&
        failure.value("kind", "") == name_of(ErrorKind::slot_limit)) {
        // The process that gave the slot up may not have come to drop it.
        try {
            pg::Session source(
                config_.source.endpoint,
                {.application_name = config_.application_name("end"), .replication = false, .settings = {}});
            if (drop_slot(source, config_)) log::info("dropped the slot", {{"slot", config_.slot_name()}});
        } catch (const Error &error) {
            log::warning("could not look for the slot", {{"reason", error.reason()}});
        }
        throw Error(ErrorKind::slot_limit, failure.value("object", ""), failure.value("reason", ""),
                    failure.value("remedy", ""));
    }
    if (row.phase != Phase::none && row.stages != stage_names(config_))
        throw Error(ErrorKind::task_state, object, "task.stages changed since the task was started",
                    "Put the old stages back, or start over with walbridge reset.");
    if (row.phase != Phase::none && row.renames != stored_form(config_.names))
        throw Error(ErrorKind::task_state, object, "the renames changed since the task was started",
                    row.renames.empty()
                        ? "It was started without any: remove them, or start over with walbridge reset."
                        : fmt::format("Put the old ones back, or start over with walbridge reset. They were:\n{}",
                                      row.renames));
}

void Runner::run() {
    for (;;) {
        try {
            if (!reporter_) reporter_.emplace(config_, live_, stop_, alerter_);
            if (const auto verdict = live_.verdict()) throw Error(*verdict);
            attempt();
            if (const auto verdict = live_.verdict()) throw Error(*verdict);
            if (live_.fenced)
                throw Error(ErrorKind::fenced, fmt::format("task {}", config_.name),
                            "another process took the task over", "Let that one work; walbridge status names it.");
            return leave();
        } catch (const pipeline::CopyRequested &) {
            if (stop_.requested() && !live_.verdict()) return leave();
            log::info("tables came into the selection: the task goes back to its initial load for them");
        } catch (const pipeline::SelectionChanged &) {
            if (stop_.requested() && !live_.verdict()) return leave();
            log::info("the stream begins anew: the task's tables change");
        } catch (const pipeline::WholeTransactionsWanted &) {
            if (stop_.requested() && !live_.verdict()) return leave();
            log::info("the stream begins anew with whole transactions: one in progress moves rows into a filter "
                      "without their long values, which can be read after its commit");
            whole_transactions_ = true;
        } catch (const pipeline::OriginsChanged &) {
            if (stop_.requested() && !live_.verdict()) return leave();
            log::info("the way back of this task works: the stream begins anew without its changes");
        } catch (const Error &error) {
            if (error.kind() == ErrorKind::fenced || live_.fenced) {
                end_companions();
                reporter_.reset();
                if (error.kind() == ErrorKind::fenced) throw;
                throw Error(ErrorKind::fenced, fmt::format("task {}", config_.name),
                            "another process took the task over", "Let that one work; walbridge status names it.");
            }
            if (live_.verdict()) {
                fail(error);
                throw Error(*live_.verdict());
            }
            const auto now = source::RetryBackoff::Clock::now();
            if (moved_on()) window_.succeeded();
            const auto kind = load_gave_up_ ? source::RetryClass::never : source::classify(error);
            const auto pause = window_.failed(kind, now);
            if (stop_.requested() && (kind != source::RetryClass::never || error.kind() == ErrorKind::task_state)) {
                log::info("stopped", {{"object", error.object()},
                                      {"reason", error.reason()}}); // the consequence, or no longer of interest
                return leave();
            }
            if (!pause) {
                fail(error);
                throw;
            }
            const auto unix_now =
                std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
                    .count();
            const auto since =
                unix_now - std::chrono::duration_cast<std::chrono::seconds>(now - window_.since()).count();
            live_.set_retrying({window_.attempts(), since, unix_now + pause->count() / 1000,
                                fmt::format("{}: {}", error.object(), error.reason())});
            log::warning("retrying", {{"attempt", window_.attempts()},
                                      {"in_ms", pause->count()},
                                      {"object", error.object()},
                                      {"reason", error.reason()}});
            store_best_effort(State::retrying, error_json(error), false);
            stop_.wait_for(*pause);
            if (stop_.requested() && !live_.fenced && !live_.verdict()) return leave();
        } catch (const std::exception &error) {
            fail(Error(ErrorKind::internal, "walbridge", error.what(),
                       "This is a defect of walbridge; please report it with the log."));
            throw;
        }
    }
}

void Runner::fail(const Error &found) {
    live_.set_state(State::failed);
    end_companions();
    reporter_.reset();
    const auto error = live_.verdict().value_or(found); // the reporter's last words
    log::error("the task failed", {{"kind", name_of(error.kind())},
                                   {"object", error.object()},
                                   {"reason", error.reason()},
                                   {"remedy", error.remedy()}});
    // A refused start says nothing about the task: another process may be running it well.
    if (error.kind() == ErrorKind::task_state && !live_.holds_task) return;
    store_best_effort(State::failed, error_json(error), true);
    const auto words = fmt::format("{}: {}", error.object(), error.reason());
    // The same as an earlier process told, and nothing worked since.
    const bool open =
        std::ranges::any_of(alerter_.firing(), [](const auto &told) { return told.event == failure_event; });
    if (!open || told_failure_ != words) {
        alerter_.forget(failure_event);
        alerter_.observe({failure_condition(error)});
        if (!alerter_.finish(std::chrono::seconds(10))) return;
    }
    store_told_best_effort();
}

void Runner::restore_alerts(const TaskRow &row) {
    const auto status = nlohmann::json::parse(row.status.value_or(""), nullptr, false);
    if (status.is_object() && status.contains("alerts")) alerter_.restore(status["alerts"].dump());
    const auto failure = nlohmann::json::parse(row.error.value_or(""), nullptr, false);
    if (row.state != State::failed || !failure.is_object() || !failure.value("told", false)) return;
    told_failure_ = fmt::format("{}: {}", failure.value("object", ""), failure.value("reason", ""));
    alerter_.restore(alert::Notice{.event = failure_event,
                                   .severity = alert::Severity::critical,
                                   .since = failure.value("at", std::int64_t{0}),
                                   .reason = *told_failure_});
}

void Runner::end_companions() {
    sync_.reset();
    sequences_.reset();
    drift_.reset();
}

void Runner::take_lock(sql::Session &session) {
    try {
        lock_task(session, config_.name);
    } catch (const Error &error) {
        if (error.kind() != ErrorKind::task_state || !live_.view().epoch) throw;
        throw Error(ErrorKind::fenced, fmt::format("task {}", config_.name),
                    "another process took the task over while this one had lost the target: " + error.reason(),
                    "Let that one work; walbridge status names it.");
    }
}

void Runner::leave() {
    end_companions();
    reporter_.reset(); // else its last second would name us as the holder again
    store_slot_best_effort();
    store_best_effort(live_.view().state, std::nullopt, true);
    alerter_.finish(std::chrono::seconds(5));
    control_.reset(); // last: who waits for the lock finds everything stored
}

bool Runner::moved_on() {
    const auto copied = live_.copy.snapshot();
    std::uint64_t achieved = live_.statistics.transactions + static_cast<std::uint64_t>(copied.items_done);
    for (const auto &table : copied.tables) achieved += table.rows;
    const bool streamed = following_since_ != source::RetryBackoff::Clock::time_point{} &&
                          source::RetryBackoff::Clock::now() - following_since_ > std::chrono::minutes(1);
    following_since_ = {};
    const bool moved = achieved > achieved_ || streamed;
    achieved_ = achieved;
    return moved;
}

void Runner::attempt() {
    followed_ = false;
    if (!control_ || !alive(*control_)) {
        control_.reset();
        auto session = reach_target(config_);
        install_state(*session);
        take_lock(*session);
        end_older_sessions(*session, config_);
        control_ = std::move(session);
    }
    auto &control = *control_;
    read_objects_in_force(control);
    // Of a task that follows, the selection is stored when it takes effect: until then it tells what changed in the
    // file.
    auto known = read_task(control, config_.name);
    if (!known || known->phase != Phase::follow || !config_.sync_of.empty()) {
        create_task(control, task());
        known = read_task(control, config_.name);
    }
    auto row = std::move(known).value();
    if (!live_.holds_task) restore_alerts(row);
    check_row(row);
    if (!live_.holds_task) {
        request_control(control, config_.name, std::nullopt); // asked of a process that no longer exists
        live_.set_paused(row.paused);
        live_.set_throttle(effective(config_.throttle, stored_throttle(row.throttle)), row.throttle);
        live_.holds_task = true;
    }
    if (row.phase == Phase::done) return complete(control);
    if (learns_names(config_)) {
        pg::Session source(
            config_.source.endpoint,
            {.application_name = config_.application_name("names"), .replication = false, .settings = {}});
        source::learn_names(config_, source);
    }

    copy::InitialLoad load(task(), stop_, live_.copy, live_.copy_throttle);
    std::unique_ptr<source::ExportedSnapshot> snapshot;
    if (row.phase == Phase::none) {
        snapshot = start_new_task(task(), control, load, live_, stop_);
        row = read_task(control, config_.name).value();
    }
    // The reporter must not take an epoch that we are about to raise ourselves for another process's.
    live_.set_epoch(std::nullopt);
    const auto progress = target::take_over(control, config_.name);
    if (!progress)
        throw Error(
            ErrorKind::task_state, fmt::format("task {}", config_.name),
            "its progress row is missing in walbridge.progress on the target",
            "Somebody removed it: nobody can know what the target holds. Start over with walbridge reset --truncate.");
    live_.set_epoch(progress->epoch);
    auto identity = row.identity;
    identity.position = progress->position;
    {
        pg::Session replication(
            config_.source.endpoint,
            {.application_name = config_.application_name("identity"), .replication = true, .settings = {}});
        const auto server = probe_identity(replication, identity.slot);
        if (auto verdict = judge_identity(identity, server)) {
            if (verdict->kind() == ErrorKind::slot_missing)
                if (auto told = error_of_limit_mark(replication, config_)) throw Error(*told);
            if (verdict->kind() == ErrorKind::source_restored) store_restored(control, config_.name, true);
            throw Error(*verdict);
        }
        follow_failover_setting(config_, replication, server);
        if (identity.restored_before) store_restored(control, config_.name, false);
        if (server.timeline > identity.timeline) {
            log::info("the source was promoted and holds the stored position",
                      {{"timeline", server.timeline}, {"before", identity.timeline}});
            identity.timeline = server.timeline;
            store_identity(control, config_.name, identity);
        }
    }
    // Not of a task that follows: its other tables stream on while those of another rule are copied again.
    if ((row.phase == Phase::load || !config_.sync_of.empty()) && begin_again_by_rules(control, task()) &&
        row.phase == Phase::follow) {
        store_phase(control, config_.name, Phase::load);
        row.phase = Phase::load;
    }
    if (row.phase == Phase::load) {
        live_.set_state(config_.schema_stage ? State::schema : State::full);
        set_state(control, config_.name, progress->epoch, live_.view().state);
        try {
            if (!load.run(progress->epoch, snapshot.get())) return; // stopped
        } catch (const Error &) {
            load_gave_up_ = true; // the load has its own retry windows inside
            throw;
        }
        if (config_.incremental_stage) live_.set_state(State::catching_up);
        store_phase(control, config_.name, config_.incremental_stage ? Phase::follow : Phase::done);
    }
    snapshot.reset();
    if (!config_.incremental_stage) return complete(control);
    follow(control, identity, *progress);
}

void Runner::read_objects_in_force(sql::Session &control) { put_in_force(with_stored_objects(config_, control)); }

void Runner::put_in_force(TaskConfig now) {
    if (now.objects.include == task().objects.include && now.objects.exclude == task().objects.exclude) return;
    sequences_.reset();
    drift_.reset();
    in_force_ = std::make_unique<const TaskConfig>(std::move(now));
}

void Runner::settle_objects(sql::Session &control, const target::Progress &progress) {
    if (!config_.sync_of.empty()) return;
    if (!sync_) sync_ = std::make_unique<SyncKeeper>(config_, live_, load_objects(control, config_.name));
    const bool load = sync_->settle(control, progress);
    if (const auto kept = sync_->kept_selection()) {
        auto as_before = config_;
        as_before.objects.include = kept->include;
        as_before.objects.exclude = kept->exclude;
        return put_in_force(std::move(as_before));
    }
    read_objects_in_force(control);
    create_task(control, task()); // other tasks learn which tables it has now
    if (load) throw pipeline::CopyRequested{};
}

void Runner::follow(sql::Session &control, const StoredIdentity &identity, target::Progress progress) {
    settle_objects(control, progress);
    {
        pg::Session source(
            config_.source.endpoint,
            {.application_name = config_.application_name("start"), .replication = false, .settings = {}});
        end_older_receivers(source, config_);
    }
    set_state(control, config_.name, progress.epoch, live_.view().paused ? State::paused : State::catching_up);
    const auto check = [identity](pg::Session &replication, Lsn stored) {
        auto now = identity;
        now.position = stored;
        check_source_identity(replication, now);
    };
    // Statements that are not followed leave the definitions behind: nobody may take them for the present ones later.
    if (target::is_mysql(config_) && config_.ddl.off())
        control.ask("DELETE FROM walbridge.table_definition WHERE task = $1", {config_.name});
    const auto aftermath = [this, &control](const apply::DdlAftermath &left) {
        see_to_identities(task(), control, left.created);
        if (!left.entered.empty()) throw pipeline::CopyRequested{};
    };
    pipeline::Incremental incremental(task(), progress, stop_, live_.statistics, live_.gate, check,
                                      live_.apply_throttle, aftermath);
    if (whole_transactions_) incremental.receive_whole_transactions();
    following_since_ = source::RetryBackoff::Clock::now();
    const Attachment attachment(live_, incremental);
    if (!drift_ && config_.schema.check == "start" && !target::is_mysql(config_)) drift_.emplace(task(), live_);
    if (!sequences_ && config_.sequences.interval.count() > 0 && !target::is_mysql(config_))
        sequences_.emplace(task(), live_);
    log::info("following", {{"position", to_string(progress.position)}, {"epoch", progress.epoch}});
    incremental.run();
    followed_ = true;
}

void Runner::complete(sql::Session &control) {
    live_.set_state(State::completed);
    store_phase(control, config_.name, Phase::done);
    set_state(control, config_.name, live_.view().epoch, State::completed);
    pg::Session source(config_.source.endpoint,
                       {.application_name = config_.application_name("end"), .replication = false, .settings = {}});
    if (drop_slot(source, config_))
        log::info("the task is complete; its slot is dropped", {{"slot", config_.slot_name()}});
    else
        log::info("the task is complete");
}

void Runner::store_slot_best_effort() {
    const auto epoch = live_.view().epoch;
    if (!epoch || !followed_) return;
    try {
        pg::Session source(config_.source.endpoint,
                           {.application_name = config_.application_name("end"), .replication = false, .settings = {}});
        const auto slot = read_slot(source, config_.slot_name());
        if (!slot) return;
        auto target = open_control(config_);
        store_slot_figures(*target, config_.name, *epoch, slot->transactions, slot->confirmed_flush);
    } catch (const Error &failure) {
        log::debug("could not store the slot's last figures", {{"reason", failure.reason()}});
    }
}

void Runner::store_told_best_effort() {
    try {
        open_control(config_)->ask(
            {"UPDATE walbridge.task SET error = error || '{\"told\": true}' WHERE task = $1 AND state = 'failed'",
             "UPDATE walbridge.task SET error = json_set(error, '$.told', true) WHERE task = $1 AND state = 'failed'"},
            {config_.name});
    } catch (const Error &failure) {
        log::debug("could not store that the failure was told", {{"reason", failure.reason()}});
    }
}

void Runner::store_best_effort(State state, const std::optional<std::string> &error, bool leaving) {
    try {
        const auto session =
            target::open_state(config_, config_.application_name("control"), {.lock_timeout = std::chrono::seconds(3)});
        const auto epoch = live_.view().epoch;
        if (error) set_state(*session, config_.name, epoch, state, error);
        if (leaving)
            session->ask({"UPDATE walbridge.task t SET holder = NULL, control = NULL, control_at = NULL, status = "
                          "status || '{\"holder\": null}' WHERE task = $1 AND holder = $2",
                          "UPDATE walbridge.task t SET holder = NULL, control = NULL, control_at = NULL, status = "
                          "json_set(status, '$.holder', NULL) WHERE task = $1 AND holder = $2"},
                         {config_.name, holder_name()});
    } catch (const Error &failure) {
        log::debug("could not store the state in the target", {{"reason", failure.reason()}});
    }
}

} // namespace walbridge::task
