// reporter.cpp: the reporter's second: slot figures, status, control, progress bar.
#include "task/reporter.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "target/state_session.hpp"
#include "task/alert_conditions.hpp"
#include "task/alignment_server.hpp"
#include "task/clock.hpp"
#include "task/conflict_records.hpp"
#include "task/limit_mark.hpp"
#include "task/slot_guard.hpp"
#include "task/source_cost.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"
#include "task/status_json.hpp"
#include "task/throttle_settings.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <sys/ioctl.h>
#include <unistd.h>

namespace walbridge::task {
namespace {

using Clock = std::chrono::steady_clock;

/// A session that comes and goes: opened when needed, dropped when it fails, not tried again for a few seconds.
template <class Session> class BestEffort {
  public:
    BestEffort(std::string role, std::function<std::unique_ptr<Session>()> open)
        : role_(std::move(role)), open_(std::move(open)) {}

    /// nullptr while there is none.
    [[nodiscard]] Session *session() { return session_.get(); }

    /// Runs `body(session)`; false when there is no session or it failed.
    template <class Body> bool run(Body &&body) {
        try {
            if (!session_) {
                if (Clock::now() < not_before_) return false;
                session_ = open_();
            }
            body(*session_);
            return true;
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect || !session_ || !session_->usable()) {
                session_.reset();
                not_before_ = Clock::now() + std::chrono::seconds(3);
            } else {
                session_->rollback_quietly();
            }
            log::debug("status reporter", {{"server", role_}, {"reason", error.reason()}});
        } catch (const std::exception &error) {
            log::debug("status reporter", {{"server", role_}, {"reason", error.what()}});
        }
        return false;
    }

  private:
    std::string role_;
    std::function<std::unique_ptr<Session>()> open_;
    std::unique_ptr<Session> session_;
    Clock::time_point not_before_{};
};
using SourceSession = BestEffort<pg::Session>;
using TargetSession = BestEffort<sql::Session>;

/// Where that is impossible (a pooler in between), and on databases without it, the look once a second has to do.
void listen(sql::Session &target, const TaskConfig &config) {
    if (target.dialect() != sql::Dialect::postgres) return;
    try {
        target.ask("LISTEN " + dialect::postgres::quote_identifier(task_channel(config.name)));
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        log::debug("status reporter", {{"server", "target"}, {"reason", error.reason()}});
    }
}

/// Whether somebody notified the session. Asks the connection, not the server.
bool notified(sql::Session *target) {
    if (target == nullptr || target->dialect() != sql::Dialect::postgres) return false;
    auto *connection = static_cast<pg::Session *>(target)->raw();
    if (PQconsumeInput(connection) == 0) return false;
    bool any = false;
    while (PGnotify *notify = PQnotifies(connection)) {
        PQfreemem(notify);
        any = true;
    }
    return any;
}

/// The terminal's last line during the copy; erased when the copy ends.
class Bar {
  public:
    Bar() : terminal_(isatty(STDERR_FILENO) == 1) {}
    ~Bar() { draw({}); }
    Bar(const Bar &) = delete;
    Bar &operator=(const Bar &) = delete;

    [[nodiscard]] bool wanted() const { return terminal_; }
    [[nodiscard]] static int width() {
        winsize size{};
        return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1 : 79;
    }
    void draw(const std::string &line) {
        if (!terminal_ || (line.empty() && !drawn_)) return;
        fmt::print(stderr, "\r\x1b[2K{}", line);
        std::fflush(stderr);
        drawn_ = !line.empty();
    }

  private:
    bool terminal_, drawn_ = false;
};

/// What the task's row asks of the process.
struct Asked {
    bool mine = false; ///< the row still is this process's
    std::optional<std::string> control;
    std::string throttle;
    bool alignment = false; ///< a verification waits for an answer
};

/// One exchange with the task's row.
Asked exchange(sql::Session &target, const std::string &task, const Live::View &view, State shown,
               const std::string &status) {
    // While the runner is between states it writes the state itself; here only what the live figures say. They may be
    // older than the end of the load.
    const bool derived = view.following || view.state == State::schema || view.state == State::full;
    const std::vector<sql::Parameter> parameters{task,
                                                 status,
                                                 holder_name(),
                                                 derived ? "1" : "0",
                                                 std::string(name_of(shown)),
                                                 view.epoch ? sql::Parameter(std::to_string(*view.epoch))
                                                            : std::nullopt};
    if (target.dialect() == sql::Dialect::mysql) {
        const auto changed = target.ask(
            "UPDATE walbridge.task t SET status = $2, status_at = utc_timestamp(6), holder = $3, error = CASE WHEN $5 "
            "= "
            "'running' AND $4 = 1 THEN NULL ELSE t.error END, state = CASE WHEN $4 = 1 AND t.state NOT IN "
            "('switched-over', 'draining') AND (coalesce(t.phase, '') <> 'follow' OR $5 NOT IN ('schema', 'full')) "
            "THEN $5 ELSE t.state END WHERE t.task = $1 AND ($6 IS NULL OR EXISTS "
            "(SELECT 1 FROM walbridge.progress p WHERE p.task = t.task AND p.epoch = $6))",
            parameters);
        if (changed.affected() != 1) return {};
        const auto row =
            target.ask("SELECT control, coalesce(throttle, '') FROM walbridge.task WHERE task = $1", {task});
        return row.rows() == 1 ? Asked{true, row.cell(0, 0), row.text(0, 1), false} : Asked{};
    }
    const auto row = target.ask(
        "UPDATE walbridge.task t SET status = $2::jsonb, status_at = pg_catalog.clock_timestamp(), holder = $3, "
        "state = CASE WHEN $4::boolean AND t.state NOT IN ('switched-over', 'draining') AND (t.phase IS DISTINCT FROM "
        "'follow' OR $5 NOT IN ('schema', 'full')) THEN $5 ELSE t.state END, "
        "error = CASE WHEN $5 = 'running' AND $4::boolean THEN NULL ELSE t.error END "
        "WHERE t.task = $1 AND ($6::bigint IS NULL OR EXISTS (SELECT 1 FROM walbridge.progress p WHERE p.task = t.task "
        "AND p.epoch = $6::bigint)) RETURNING t.control, coalesce(t.throttle::text, ''), " +
            std::string(AlignmentServer::asked_sql),
        parameters);
    if (row.rows() != 1) return {};
    return {true, row.cell(0, 0), row.text(0, 1), row.flag(0, 2)};
}

/// The slot passed its limit and is to be dropped. The task is noted as failed first, so that a later start says the
/// same whatever happens here; a target that cannot be reached does not save the slot, but then nobody may be using it:
/// another process may have taken the task over. True when the task is condemned.
bool drop_at_limit(const TaskConfig &config, Live &live, StopToken &stop, const SlotStatus &found,
                   SourceSession &source, TargetSession &target) {
    const auto retained = found.retained_bytes.value_or(0);
    bool ours = true;
    const auto view = live.view();
    const bool stored = live.holds_task && target.run([&](sql::Session &session) {
        ours =
            set_state(session, config.name, view.epoch, State::failed, error_json(limit_error(config, retained, {})));
    });
    if (stored && !ours) {
        live.fenced = true;
        stop.request();
        return true;
    }
    if (!stored && found.active) return false;
    log::error("the slot retains more WAL than it may and is dropped",
               {{"slot", config.slot_name()}, {"retained_bytes", retained}});
    live.condemn(limit_error(config, retained, {}));
    stop.request();
    std::string failure;
    const bool answered = source.run([&](pg::Session &session) {
        try {
            drop_slot(session, config);
        } catch (const Error &error) {
            failure = error.reason();
            throw;
        }
        if (stored) return;
        try {
            leave_limit_mark(session, config);
        } catch (const Error &error) {
            log::warning("nothing tells the next start why the slot is gone", {{"reason", error.reason()}});
        }
    });
    if (!answered) live.condemn(limit_error(config, retained, failure.empty() ? "the source went away" : failure));
    return true;
}

/// What the target's tables say about open decisions and conflicts, looked at every few seconds; removes old records.
class RecordWatch {
  public:
    void look(const TaskConfig &config, const Live &live, const alert::Alerter &alerter, TargetSession &target,
              Observation &seen) {
        const auto now = Clock::now();
        if (!counter_
                 .began()) // what an earlier process told of conflicts is over an hour after the last one that we see
            for (const auto &told : alerter.firing())
                if (told.event.starts_with(conflict_event))
                    conflicts_seen_.emplace(told.event.substr(std::string_view(conflict_event).size()), now);
        if (now >= next_ || live.statistics.ddl_skipped + live.statistics.ddl_refused != ddl_) {
            next_ = now + std::chrono::seconds(10);
            ddl_ = live.statistics.ddl_skipped + live.statistics.ddl_refused;
            target.run([&](sql::Session &session) {
                ddl_undecided_ = session
                                     .ask("SELECT count(*) FROM walbridge.ddl_statement WHERE task = $1 AND state IN "
                                          "('failed', 'skipped', 'gap')",
                                          {config.name})
                                     .number(0, 0);
                objects_failed_ =
                    session
                        .ask("SELECT count(*) FROM walbridge.object_change WHERE task = $1 AND state = 'failed'",
                             {config.name})
                        .number(0, 0);
            });
        }
        const std::uint64_t conflicts = live.statistics.conflicts;
        if (conflicts != conflicts_) {
            conflicts_ = conflicts;
            look_until_ = now + std::chrono::seconds(30); // it is counted before it is committed
        }
        if (!counter_.began() || (now < look_until_ && now >= next_conflicts_)) {
            next_conflicts_ = now + std::chrono::seconds(3);
            target.run([&](sql::Session &session) {
                counter_.look(session, config.name, now - began_);
                for (const auto &kind : counter_.news()) conflicts_seen_[kind] = now;
            });
        }
        if (config.conflict.keep.count() > 0 && now >= next_removal_) {
            // Small batches, one after the other, until nothing is left to remove.
            std::int64_t removed = 0;
            target.run([&](sql::Session &session) { removed = remove_old_conflicts(session, config); });
            if (removed > 0) log::debug("removed old records of conflicts", {{"records", removed}});
            next_removal_ =
                now + (removed > 0 ? Clock::duration(std::chrono::seconds(1))
                                   : std::clamp<Clock::duration>(config.conflict.keep / 10, std::chrono::seconds(1),
                                                                 std::chrono::minutes(5)));
        }
        seen.ddl_undecided = ddl_undecided_;
        seen.objects_failed = objects_failed_;
        for (const auto &[kind, at] : conflicts_seen_) seen.conflicts[kind] = now - at < std::chrono::hours(1);
    }

    [[nodiscard]] std::vector<ConflictCounter::Figure> conflicts() const { return counter_.figures(); }

  private:
    const Clock::time_point began_ = Clock::now();
    Clock::time_point next_{}, next_conflicts_{}, look_until_{}, next_removal_{};
    std::uint64_t conflicts_ = 0, ddl_ = 0;
    ConflictCounter counter_;
    std::optional<std::int64_t> ddl_undecided_, objects_failed_;
    std::map<std::string, Clock::time_point> conflicts_seen_;
};

/// The servers' clocks against each other, once a minute.
class ClockWatch {
  public:
    void look(const TaskConfig &config, Live &live, SourceSession &source, TargetSession &target) {
        const auto now = Clock::now();
        if (now < next_) return;
        next_ = now + std::chrono::seconds(60);
        std::optional<ClockReading> here, there;
        source.run([&](pg::Session &session) { here = read_clock(session); });
        target.run([&](sql::Session &session) { there = read_clock(session); });
        if (!here || !there) return;
        const auto clocks = compare_clocks(*here, *there);
        live.set_clocks(clocks);
        const bool far = beyond(clocks, config.conflict.max_offset);
        if (far && !told_)
            log::warning("the clocks of source and target are too far apart",
                         {{"reason", describe(clocks)},
                          {"max_offset_ms", config.conflict.max_offset.count()},
                          {"remedy", config.conflict.decided_by_time()
                                         ? "Commit times decide conflicts: mend the servers' time (NTP) now."
                                         : "Let both servers keep their time by NTP."}});
        told_ = far;
    }

  private:
    Clock::time_point next_{};
    bool told_ = false;
};

} // namespace

Reporter::Reporter(const TaskConfig &config, Live &live, StopToken &stop, alert::Alerter &alerter)
    : config_(config), live_(live), stop_(stop), alerter_(alerter), thread_([this] { work(); }) {}

Reporter::~Reporter() {
    end_.request();
    thread_.join();
}

void Reporter::work() {
    const auto name = config_.application_name("reporter");
    TargetSession target("target", [&] {
        auto session = target::open_state(config_, name,
                                          {.lock_timeout = std::chrono::seconds(2),
                                           .statement_timeout = std::chrono::seconds(10),
                                           .synchronous_commit = false});
        listen(*session, config_);
        return session;
    });
    SourceSession source("source", [&] {
        return std::make_unique<pg::Session>(config_.source.endpoint,
                                             pg::ConnectOptions{.application_name = name,
                                                                .replication = false,
                                                                .settings = {{"statement_timeout", "10s"}}});
    });
    StatusWriter writer(config_);
    Bar bar;
    AlignmentServer alignment(config_, live_);
    RecordWatch records;
    StatusWriter::Source read;
    auto &slot = read.slot;
    std::string sync_slot_name;
    std::optional<SlotStatus> sync_slot;
    const auto began = Clock::now();
    auto slot_read = began - std::chrono::hours(1), cost_read = slot_read;
    ClockWatch clocks;
    // Until the next second has come or something is to be heard. False: the end.
    const auto wait = [&] {
        for (int tenth = 0; tenth < 10; ++tenth) {
            if (end_.wait_for(std::chrono::milliseconds(100))) return false;
            if (notified(target.session())) break;
        }
        return true;
    };
    bool answer = false; // something was heard: the status says so at once
    do {
        answer = false;
        const auto view = live_.view();
        // A target that does not answer cannot say whose the task is; the slot fills the source's disk all the same.
        const bool orphaned = !live_.holds_task && Clock::now() - began > std::chrono::seconds(30);
        if ((view.epoch || orphaned) && Clock::now() - slot_read > std::chrono::seconds(2)) {
            const bool answered =
                source.run([&](pg::Session &session) { slot = read_slot(session, config_.slot_name()); });
            slot_read = Clock::now();
            if (!answered) slot.reset();
            sync_slot.reset();
            if (sync_slot_name = live_.sync_slot(); answered && !sync_slot_name.empty())
                source.run([&](pg::Session &session) { sync_slot = read_slot(session, sync_slot_name); });
            if (slot && must_drop(config_.slot, *slot) && drop_at_limit(config_, live_, stop_, *slot, source, target))
                return;
            // Only while streaming, after the identity was checked: a foreign count must never become ours.
            if (slot && view.following && live_.statistics.connected)
                target.run([&](sql::Session &session) {
                    store_slot_figures(session, config_.name, *view.epoch, slot->transactions, slot->confirmed_flush);
                });
        }
        if (view.epoch && Clock::now() - cost_read > std::chrono::seconds(10)) {
            cost_read = Clock::now();
            if (!source.run([&](pg::Session &session) { read.cost = read_source_cost(session, config_); }))
                read.cost.reset();
        }
        if (view.epoch) clocks.look(config_, live_, source, target);
        read.slot_age_seconds = std::chrono::duration<double>(Clock::now() - slot_read).count();
        read.conflicts = records.conflicts();
        const auto status = writer.write(live_, read, alerter_.summary());
        Observation seen{.state = StatusWriter::shown_state(live_),
                         .retrying = StatusWriter::retrying(live_),
                         .unix_now = std::chrono::duration_cast<std::chrono::seconds>(
                                         std::chrono::system_clock::now().time_since_epoch())
                                         .count(),
                         .lag_seconds = view.in_follow ? writer.lag() : std::nullopt,
                         .slot = slot,
                         .sync_slot_name = sync_slot_name,
                         .sync_slot = sync_slot,
                         .cost = read.cost,
                         .conflicts = {},
                         .ddl_undecided = {},
                         .objects_failed = {}};
        if (const auto guard = live_.copy.guard.view(); guard.since) {
            seen.held_since = guard.since;
            seen.held_because = guard.reason;
        }
        if (live_.holds_task && view.epoch) records.look(config_, live_, alerter_, target, seen);
        alerter_.observe(alert_conditions(config_, seen));
        if (bar.wanted() && config_.sync_of.empty()) bar.draw(writer.bar(live_, Bar::width()));
        if (!live_.holds_task) continue;
        target.run([&](sql::Session &session) {
            const auto [mine, control, throttle, asked_to_align] =
                exchange(session, config_.name, view, StatusWriter::shown_state(live_), status);
            if (asked_to_align) alignment.answer();
            if (!mine && view.epoch && live_.view().epoch == view.epoch) {
                live_.fenced = true;
                stop_.request();
            }
            if (mine && throttle != live_.limits().second) {
                log::info("the limits were changed", {{"set", throttle.empty() ? "none" : throttle}});
                live_.set_throttle(effective(config_.throttle, stored_throttle(throttle)), throttle);
                answer = true;
            }
            if (!control) return;
            log::info("control request", {{"request", *control}});
            if (*control == "stop") {
                stop_.request(); // answered by the runner when everything has ended
                return;
            }
            if (*control == "pause" || *control == "resume") {
                live_.set_paused(*control == "pause");
                if (*control == "resume") ++live_.resumed;
                session.ask({"UPDATE walbridge.task SET paused = $2::boolean, updated_at = now() WHERE task = $1",
                             "UPDATE walbridge.task SET paused = $2, updated_at = now(6) WHERE task = $1"},
                            {config_.name, *control == "pause" ? "1" : "0"});
            }
            session.ask("UPDATE walbridge.task SET control = NULL, control_at = NULL WHERE task = $1 AND control = $2",
                        {config_.name, *control});
        });
    } while (answer || wait());
}

} // namespace walbridge::task
