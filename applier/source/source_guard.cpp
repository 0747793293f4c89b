// source_guard.cpp: see source_guard.hpp.
#include "source/source_guard.hpp"

#include "base/log.hpp"
#include "base/lsn.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::source {
namespace {

using std::chrono::milliseconds;

/// Of a look's statements. A query that takes longer is no condition to be asked every few seconds.
constexpr const char *statement_timeout = "5s";
constexpr std::uint32_t boolean_oid = 16;
/// Bytes per second that a slowed copy keeps at least, and begins with when nothing is known of its pace.
constexpr std::uint64_t slowest_pace = 256 << 10;

/// A session of walbridge, of whichever task: `walbridge_<task>:<what>`, `walbridge:<what>`.
constexpr const char *own_sessions = "'^walbridge(_[a-z0-9_]+)?:'";

std::string seconds(milliseconds time) { return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000); }

std::uint64_t lsn_of(const pg::Result &rows, int row, int column) {
    return static_cast<std::uint64_t>(rows.number(row, column));
}

void look_at_standbys(pg::Session &source, WalClock &clock, GuardReading &reading) {
    // As numbers, so that positions compare here. A walsender without a replayed position is a base backup,
    // pg_receivewal or one that is about to begin. A session that decodes uses a logical slot.
    const auto rows = source.query(fmt::format(
        "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')::bigint, "
        "r.application_name, pg_catalog.pg_wal_lsn_diff(r.replay_lsn, '0/0')::bigint, "
        "(extract(epoch FROM r.replay_lag) * 1000)::bigint FROM (SELECT) one LEFT JOIN "
        "pg_catalog.pg_stat_replication r ON r.replay_lsn IS NOT NULL AND r.application_name !~ {} AND NOT "
        "EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = "
        "'logical') ORDER BY 2, 3",
        own_sessions));
    const auto now = WalClock::Clock::now();
    reading.position = lsn_of(rows, 0, 0);
    clock.note(now, reading.position);
    for (int row = 0; row < rows.rows(); ++row) {
        if (rows.null(row, 2)) continue;
        GuardReading::Standby standby{rows.text(row, 1), lsn_of(rows, row, 2), std::nullopt, {}};
        if (!rows.null(row, 3)) standby.replay_lag = milliseconds(rows.number(row, 3));
        standby.seen_behind = std::chrono::duration_cast<milliseconds>(clock.behind(now, standby.replayed));
        reading.standbys.push_back(std::move(standby));
    }
}

int count_active_sessions(pg::Session &source) {
    return static_cast<int>(
        source
            .query(fmt::format("SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active' AND "
                               "backend_type = 'client backend' AND application_name !~ {}",
                               own_sessions))
            .number(0, 0));
}

} // namespace

void WalClock::note(Clock::time_point now, std::uint64_t position) {
    if (!readings_.empty() && readings_.back().second >= position) return;
    readings_.emplace_back(now, position);
    if (readings_.size() <= most_readings) return;
    std::deque<std::pair<Clock::time_point, std::uint64_t>> kept;
    for (std::size_t place = 0; place < readings_.size(); place += 2) kept.push_back(readings_[place]);
    readings_ = std::move(kept);
}

WalClock::Clock::duration WalClock::behind(Clock::time_point now, std::uint64_t replayed) const {
    const auto first =
        std::upper_bound(readings_.begin(), readings_.end(), replayed,
                         [](std::uint64_t value, const auto &reading) { return value < reading.second; });
    return first == readings_.end() ? Clock::duration::zero() : now - first->first;
}

milliseconds lag_of(const GuardReading::Standby &standby, std::uint64_t position) {
    if (standby.replayed >= position) return milliseconds(0);
    return std::max(standby.replay_lag.value_or(milliseconds(0)), standby.seen_behind);
}

std::optional<std::string> reason_to_hold(const TaskConfig::SourceGuard &guard, const GuardReading &reading) {
    if (!reading.failure.empty()) return reading.failure;
    if (guard.replica_lag.count() > 0) {
        const auto latest = std::ranges::max_element(
            reading.standbys, {}, [&](const auto &standby) { return lag_of(standby, reading.position); });
        if (latest != reading.standbys.end() && lag_of(*latest, reading.position) > guard.replica_lag)
            return fmt::format("standby {} is {} late in replaying (source_guard.replica_lag is {})",
                               latest->name.empty() ? "without a name" : latest->name,
                               seconds(lag_of(*latest, reading.position)), seconds(guard.replica_lag));
    }
    if (guard.active_sessions > 0 && reading.active_sessions.value_or(0) > guard.active_sessions)
        return fmt::format("{} sessions run a statement (source_guard.active_sessions is {})",
                           reading.active_sessions.value_or(0), guard.active_sessions);
    if (!guard.query.empty() && reading.answer.value_or(false)) return std::string("source_guard.query answers true");
    return std::nullopt;
}

std::uint64_t slowed_pace(double bytes_per_second) {
    return std::max(slowest_pace, static_cast<std::uint64_t>(std::max(bytes_per_second, 0.0) / 10));
}

pg::Session open_guard_session(const TaskConfig &config) {
    return {config.source.endpoint,
            {config.application_name("source_guard"),
             false,
             {{"statement_timeout", statement_timeout},
              {"default_transaction_read_only", "on"},
              {"max_parallel_workers_per_gather", "0"}}}};
}

bool sees_statistics(pg::Session &source) {
    return source.value("SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')") == "t";
}

bool ask_guard_query(pg::Session &source, const std::string &query) {
    // The extended protocol takes one statement. A transaction that can only read, and that no answer of ours commits.
    source.execute("BEGIN READ ONLY");
    const auto wrong = [](const std::string &reason) {
        return Error(ErrorKind::configuration, "source_guard.query", reason,
                     "Write one SELECT that returns one row with one boolean, with names qualified by their schemas: "
                     "SELECT count(*) > 5 FROM app.night_job WHERE running.");
    };
    try {
        const auto rows = source.query(query);
        if (PQresultStatus(rows.raw()) != PGRES_TUPLES_OK || rows.columns() != 1 ||
            PQftype(rows.raw(), 0) != boolean_oid)
            throw wrong("it does not return one column of type boolean");
        if (rows.rows() != 1) throw wrong(fmt::format("it returns {} rows instead of one", rows.rows()));
        if (rows.null(0, 0)) throw wrong("it returns NULL, which is neither true nor false");
        const bool answer = rows.flag(0, 0);
        source.rollback_quietly();
        return answer;
    } catch (const Error &) {
        source.rollback_quietly();
        throw;
    }
}

GuardReading look_at_source(pg::Session &source, const TaskConfig::SourceGuard &guard, WalClock &clock) {
    GuardReading reading;
    const auto see = [&](const char *what, const auto &body) {
        if (!reading.failure.empty()) return;
        try {
            body();
        } catch (const Error &error) {
            source.rollback_quietly();
            if (!source.usable()) throw;
            reading.failure = fmt::format("{}: {}", what, error.reason());
        }
    };
    if (guard.replica_lag.count() > 0 || guard.active_sessions > 0)
        see("the task's role on the source", [&] {
            if (!sees_statistics(source))
                reading.failure = "the task's role cannot see other sessions and standbys (pg_read_all_stats)";
        });
    if (guard.replica_lag.count() > 0)
        see("source_guard.replica_lag", [&] { look_at_standbys(source, clock, reading); });
    if (guard.active_sessions > 0)
        see("source_guard.active_sessions", [&] { reading.active_sessions = count_active_sessions(source); });
    if (!guard.query.empty()) see("source_guard.query", [&] { reading.answer = ask_guard_query(source, guard.query); });
    return reading;
}

GuardWatch::GuardWatch(const TaskConfig &config, std::string work, Throttle &throttle, HoldBoard &board)
    : config_(config), work_(std::move(work)), throttle_(throttle), board_(board) {
    throttle_.hold(); // nothing is read before the first look
    thread_ = std::thread([this] { watch(); });
}

GuardWatch::~GuardWatch() {
    end_.request();
    while (!ended_.wait_for(milliseconds(50))) { // repeated: a cancel may arrive between two statements
        const std::lock_guard lock(session_mutex_);
        if (session_) session_->cancel();
    }
    thread_.join();
    board_.release();
    throttle_.release();
}

GuardReading GuardWatch::look() {
    try {
        if (!session_) {
            auto session = open_guard_session(config_);
            const std::lock_guard lock(session_mutex_);
            session_.emplace(std::move(session));
        }
        return look_at_source(*session_, config_.guard, clock_);
    } catch (const Error &error) {
        const std::lock_guard lock(session_mutex_);
        session_.reset();
        GuardReading reading;
        reading.failure = "the source cannot be looked at: " + error.reason();
        return reading;
    }
}

/// What went through between two looks that found nothing. Standing still (between passes, before the first row) says
/// nothing about the pace.
void GuardWatch::measure_pace() {
    const auto now = WalClock::Clock::now();
    const auto passed = throttle_.passed_bytes();
    if (measured_at_ && passed > passed_) {
        const double elapsed = std::max(std::chrono::duration<double>(now - *measured_at_).count(), 0.001);
        const double measured = static_cast<double>(passed - passed_) / elapsed;
        pace_ = pace_ == 0 ? measured : (pace_ + measured) / 2;
    }
    passed_ = passed;
    measured_at_ = now;
}

/// By the list of locks alone: pg_blocking_pids() would stop the lock manager of a source that has enough to do.
bool GuardWatch::others_wait() {
    if (!session_) return false;
    try {
        return session_
            ->value("SELECT 1 FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_locks h ON h.locktype = w.locktype AND "
                    "h.database = w.database AND h.relation = w.relation AND h.granted JOIN "
                    "pg_catalog.pg_stat_activity a ON a.pid = h.pid WHERE w.locktype = 'relation' AND NOT w.granted "
                    "AND w.mode = 'AccessExclusiveLock' AND a.application_name = $1 LIMIT 1",
                    {config_.application_name("copy")})
            .has_value();
    } catch (const Error &error) {
        log::debug("source guard", {{"reason", error.reason()}});
        return false;
    }
}

void GuardWatch::hold(const std::string &reason, bool failed) {
    if (failed && told_failure_ != reason) {
        log::warning("the source guard cannot tell how the source is and holds",
                     {{"work", work_}, {"action", config_.guard.action}, {"reason", reason}});
        told_failure_ = reason;
    }
    if (!failed) told_failure_.clear();
    board_.hold(reason, config_.guard.action);
    if (config_.guard.action == "slow") {
        if (!holds_) throttle_.slow(slowed_pace(pace_));
    } else {
        throttle_.hold(others_wait());
    }
    // A warning: a command that compares says it too, instead of waiting without a word.
    if (!holds_ && !failed)
        log::warning("the source guard holds", {{"work", work_}, {"action", config_.guard.action}, {"reason", reason}});
    holds_ = true;
    measured_at_.reset();
}

void GuardWatch::release() {
    told_failure_.clear();
    throttle_.release();
    if (!holds_) return;
    holds_ = false;
    log::info("the source guard lets go on",
              {{"work", work_}, {"held_seconds", fmt::format("{:.1f}", board_.release())}});
}

void GuardWatch::watch() {
    do {
        const auto reading = look();
        if (end_.requested()) break;
        if (!holds_) measure_pace();
        if (const auto reason = reason_to_hold(config_.guard, reading))
            hold(*reason, !reading.failure.empty());
        else
            release();
    } while (!end_.wait_for(config_.guard.interval));
    ended_.request();
}

} // namespace walbridge::source
