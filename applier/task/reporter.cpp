// reporter.cpp: the reporter's second: slot figures, status, control, progress bar.
#include "task/reporter.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "task/alignment_server.hpp"
#include "task/state_store.hpp"
#include "task/status_json.hpp"
#include "task/throttle_settings.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace walbridge::task {
namespace {

using Clock = std::chrono::steady_clock;

/// A session that comes and goes: opened when needed, dropped when it fails, not tried again for a few seconds.
class BestEffortSession {
  public:
    BestEffortSession(const pg::Endpoint &endpoint, pg::ConnectOptions options, std::string channel = {})
        : endpoint_(endpoint), options_(std::move(options)), channel_(std::move(channel)) {}

    /// Whether somebody notified this session. Asks the connection, not the server.
    [[nodiscard]] bool notified() {
        if (!session_ || PQconsumeInput(session_->raw()) == 0) return false;
        bool any = false;
        while (PGnotify *notify = PQnotifies(session_->raw())) {
            PQfreemem(notify);
            any = true;
        }
        return any;
    }

    /// Runs `body(session)`; false when there is no session or it failed.
    template <class Body> bool run(Body &&body) {
        try {
            if (!session_) {
                if (Clock::now() < not_before_) return false;
                session_.emplace(endpoint_, options_);
                if (!channel_.empty()) listen();
            }
            body(*session_);
            return true;
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect || PQstatus_bad()) {
                session_.reset();
                not_before_ = Clock::now() + std::chrono::seconds(3);
            } else {
                session_->rollback_quietly();
            }
            log::debug("status reporter", {{"server", endpoint_.role}, {"reason", error.reason()}});
        } catch (const std::exception &error) {
            log::debug("status reporter", {{"server", endpoint_.role}, {"reason", error.what()}});
        }
        return false;
    }

  private:
    /// Where that is impossible (a pooler in between), the look once a second has to do.
    void listen() {
        try {
            session_->execute("LISTEN " + dialect::postgres::quote_identifier(channel_));
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect) throw;
            log::debug("status reporter", {{"server", endpoint_.role}, {"reason", error.reason()}});
        }
    }
    [[nodiscard]] bool PQstatus_bad() const { return !session_ || PQstatus(session_->raw()) != CONNECTION_OK; }
    const pg::Endpoint &endpoint_;
    pg::ConnectOptions options_;
    std::string channel_;
    std::optional<pg::Session> session_;
    Clock::time_point not_before_{};
};

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
Asked exchange(pg::Session &target, const std::string &task, const Live::View &view, State shown,
               const std::string &status) {
    // While the runner is between states it writes the state itself; here only what the live figures say.
    const bool derived = view.following || view.state == State::schema || view.state == State::full;
    const auto row = target.query(
        "UPDATE walbridge.task t SET status = $2::jsonb, status_at = pg_catalog.clock_timestamp(), holder = $3, "
        "state = CASE WHEN $4::boolean AND t.state NOT IN ('switched-over', 'draining') THEN $5 ELSE t.state END, "
        "error = CASE WHEN $5 = 'running' AND $4::boolean THEN NULL ELSE t.error END "
        "WHERE t.task = $1 AND ($6::bigint IS NULL OR EXISTS (SELECT 1 FROM walbridge.progress p WHERE p.task = t.task "
        "AND p.epoch = $6::bigint)) RETURNING t.control, coalesce(t.throttle::text, ''), " +
            std::string(AlignmentServer::asked_sql),
        {task, status, holder_name(), derived ? "true" : "false", std::string(name_of(shown)),
         view.epoch ? pg::Parameter(std::to_string(*view.epoch)) : std::nullopt});
    if (row.rows() != 1) return {};
    return {true, row.null(0, 0) ? std::nullopt : std::optional(row.text(0, 0)), row.text(0, 1), row.flag(0, 2)};
}

} // namespace

Reporter::Reporter(const TaskConfig &config, Live &live, StopToken &stop)
    : config_(config), live_(live), stop_(stop), thread_([this] { work(); }) {}

Reporter::~Reporter() {
    end_.request();
    thread_.join();
}

void Reporter::work() {
    pg::ConnectOptions options{
        .application_name = config_.application_name("reporter"), .replication = false, .settings = {}};
    auto target_options = options;
    target_options.settings = {{"lock_timeout", "2s"}, {"statement_timeout", "10s"}, {"synchronous_commit", "off"}};
    options.settings = {{"statement_timeout", "10s"}};
    BestEffortSession target(config_.target.endpoint, target_options, task_channel(config_.name)),
        source(config_.source.endpoint, options);
    StatusWriter writer(config_);
    Bar bar;
    AlignmentServer alignment(config_, live_);
    std::optional<SlotStatus> slot;
    auto slot_read = Clock::now() - std::chrono::hours(1);
    // Until the next second has come or something is to be heard. False: the end.
    const auto wait = [&] {
        for (int tenth = 0; tenth < 10; ++tenth) {
            if (end_.wait_for(std::chrono::milliseconds(100))) return false;
            if (target.notified()) break;
        }
        return true;
    };
    bool answer = false; // something was heard: the status says so at once
    do {
        answer = false;
        const auto view = live_.view();
        if (view.epoch && Clock::now() - slot_read > std::chrono::seconds(2)) {
            const bool read = source.run([&](pg::Session &session) { slot = read_slot(session, config_.slot_name()); });
            slot_read = Clock::now();
            if (!read) slot.reset();
            // Only while streaming, after the identity was checked: a foreign count must never become ours.
            if (slot && view.following && live_.statistics.connected)
                target.run([&](pg::Session &session) {
                    store_slot_figures(session, config_.name, *view.epoch, slot->transactions, slot->confirmed_flush);
                });
        }
        const auto status = writer.write(live_, slot, std::chrono::duration<double>(Clock::now() - slot_read).count());
        if (bar.wanted()) bar.draw(writer.bar(live_, Bar::width()));
        target.run([&](pg::Session &session) {
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
                session.query("UPDATE walbridge.task SET paused = $2::boolean, updated_at = now() WHERE task = $1",
                              {config_.name, *control == "pause" ? "true" : "false"});
            }
            session.query(
                "UPDATE walbridge.task SET control = NULL, control_at = NULL WHERE task = $1 AND control = $2",
                {config_.name, *control});
        });
    } while (answer || wait());
}

} // namespace walbridge::task
