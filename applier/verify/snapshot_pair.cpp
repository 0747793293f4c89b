// snapshot_pair.cpp: the asker's half of the alignment.
#include "verify/snapshot_pair.hpp"

#include "source/shape.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>

namespace walbridge::verify {
namespace {

using Clock = std::chrono::steady_clock;

/// A stretch of catching up that is short enough to hold apply for the next one.
constexpr std::chrono::seconds near{2};
using std::chrono::milliseconds;

constexpr milliseconds poll{3};
/// Snapshots tried while apply is held once, and holds tried.
constexpr int snapshots_per_hold = 50, holds = 5;
constexpr std::chrono::seconds answer_due{20};

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

std::string new_request() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

Error cannot(const TaskConfig &config, std::string reason, std::string remedy) {
    return Error(ErrorKind::task_state, fmt::format("verification of task {}", config.name), std::move(reason),
                 std::move(remedy));
}

void nudge(pg::Session &session) {
    // Outside of any transaction: gives the stream something to carry past the snapshot when nobody else writes.
    session.query("SELECT pg_catalog.pg_logical_emit_message(false, 'walbridge.wait', '')");
}

} // namespace

pg::ConnectOptions session_options(const TaskConfig &config, const std::string &what) {
    return {.application_name = config.application_name(what),
            .replication = false,
            .settings = {{"lc_monetary", "C"},
                         {"xmloption", "content"},
                         {"xmlbinary", "base64"},
                         {"transform_null_equals", "off"},
                         {"array_nulls", "on"}}};
}

SnapshotPair::SnapshotPair(const TaskConfig &config, Stillness stillness, milliseconds patience, const StopToken &stop,
                           std::optional<Lsn> keys_since, std::function<void(SnapshotPair &)> while_held)
    : source_(config.source.endpoint, session_options(config, "verify")),
      target_(config.target.endpoint, session_options(config, "verify")), keys_since_(keys_since),
      while_held_(std::move(while_held)) {
    source::learn_names(config, source_);
    switch (stillness) {
    case Stillness::process: align(config, patience, stop); break;
    case Stillness::stopped:
        static_cast<void>(take_source());
        take_target(config);
        prove_nothing_is_missing(config);
        break;
    case Stillness::fenced:
        static_cast<void>(take_source());
        take_target(config);
        break;
    }
    if (stillness != Stillness::process && while_held_) while_held_(*this);
}

/// Takes the source's snapshot; its text.
std::string SnapshotPair::take_source() {
    source_.rollback_quietly();
    source_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto row = source_.execute("SELECT pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_wal_insert_lsn(), "
                                     "pg_catalog.pg_export_snapshot()");
    taken_before_ = parse_lsn(row.get(0, 1)).value();
    source_name_ = row.text(0, 2);
    return row.text(0, 0);
}

void SnapshotPair::take_target(const TaskConfig &config) {
    target_.rollback_quietly();
    target_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const auto row =
        target_.query("SELECT pg_catalog.pg_export_snapshot(), (SELECT p.position FROM walbridge.progress p "
                      "WHERE p.task = $1), (SELECT p.epoch FROM walbridge.progress p WHERE p.task = $1)",
                      {config.name});
    target_name_ = row.text(0, 0);
    position_ = row.null(0, 1) ? Lsn{} : parse_lsn(row.get(0, 1)).value();
    epoch_ = row.text(0, 2);
}

void SnapshotPair::align(const TaskConfig &config, milliseconds patience, const StopToken &stop) {
    catch_up(config, patience, stop);
    for (int attempt = 0; attempt < holds; ++attempt) {
        if (hold_once(config, stop)) return;
        stop.wait_for(milliseconds(500));
    }
    throw cannot(config, "the process could not stand still with a snapshot of the source",
                 "Its log says why. A source whose commits wait long for a synchronous standby shows them late; try "
                 "again, or stop the task and verify then.");
}

/// Apply is held for a few seconds at most, and what it lacks then is the way to the snapshot. While a backlog is
/// worked off the source moves on: it is near when the last stretch took a moment.
void SnapshotPair::catch_up(const TaskConfig &config, milliseconds patience, const StopToken &stop) {
    const auto first = Clock::now();
    for (auto last = Clock::duration::max();;) {
        const auto began = Clock::now();
        reach_source(config, patience, stop);
        const auto taken = Clock::now() - began;
        if (taken < near) return;
        if (taken >= last && Clock::now() - first > patience)
            throw Error(ErrorKind::timeout, fmt::format("verification of task {}", config.name),
                        "the source is written as fast as the target applies: it does not catch up",
                        "Verify when the source is less busy, or lift the limits of walbridge throttle.");
        last = taken;
        log::info("the target reached where the source was, and catches up with what came since",
                  {{"seconds", seconds_since(began)}});
    }
}

/// Waits until the target holds what the source has now.
void SnapshotPair::reach_source(const TaskConfig &config, milliseconds patience, const StopToken &stop) {
    const auto until = Clock::now() + patience;
    const auto goal = source_.value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value();
    nudge(source_);
    for (auto pause = milliseconds(5);; pause = std::min(pause * 2, milliseconds(250))) {
        const auto row = target_.query("SELECT p.position >= $2::pg_lsn, t.phase = 'follow', t.paused, p.position FROM "
                                       "walbridge.progress p JOIN walbridge.task t USING (task) WHERE task = $1",
                                       {config.name, goal});
        if (row.rows() == 0) throw cannot(config, "the target knows no such task", "Start it with walbridge run.");
        if (row.flag(0, 2))
            throw cannot(config, "the task is paused, so the target stays behind the source",
                         "Let it go on with walbridge resume; a verification holds it for milliseconds only.");
        if (row.flag(0, 0) && row.flag(0, 1)) return;
        if (stop.wait_for(pause)) throw cannot(config, "it was stopped", "");
        if (Clock::now() > until)
            throw Error(ErrorKind::timeout, fmt::format("verification of task {}", config.name),
                        fmt::format("the target holds {} of the source's {} after {} s", row.text(0, 3), goal,
                                    patience.count() / 1000),
                        "Wait until the copy is done and the target has caught up (walbridge status).");
    }
}

/// One request to the process. False when it has to be tried again.
bool SnapshotPair::hold_once(const TaskConfig &config, const StopToken &stop) {
    pg::Session control(config.target.endpoint, session_options(config, "verify"));
    pg::Session nudging(config.source.endpoint, session_options(config, "verify")); // opened before apply is held
    const auto request = new_request();
    control.query("INSERT INTO walbridge.verify_alignment AS a (task, request, state, keys_since) VALUES ($1, $2, "
                  "'asked', $3::pg_lsn) "
                  "ON CONFLICT (task) DO UPDATE SET request = excluded.request, state = 'asked', reason = NULL, "
                  "source_snapshot = NULL, source_lsn = NULL, position = NULL, epoch = NULL, keys_since = "
                  "excluded.keys_since, keys_complete_since = NULL, asked_at = now()",
                  {config.name, request, keys_since_ ? pg::Parameter(to_string(*keys_since_)) : std::nullopt});
    control.query("SELECT pg_catalog.pg_notify($1, '')", {"walbridge_" + config.name}); // else within a second
    const auto wait_past = [&](const std::string &state) -> std::string {
        const auto until = Clock::now() + answer_due;
        for (;;) {
            const auto row =
                control.query("SELECT state, request, coalesce(reason, '') FROM walbridge.verify_alignment "
                              "WHERE task = $1",
                              {config.name});
            if (row.rows() == 0 || row.get(0, 1) != request)
                throw cannot(config, "another verification took its place", "Let one finish before the next begins.");
            if (row.get(0, 0) == "failed") {
                log::warning("apply was not held", {{"reason", row.text(0, 2)}});
                return "failed";
            }
            if (row.get(0, 0) != state) return row.text(0, 0);
            if (Clock::now() > until) return "failed";
            if (stop.wait_for(poll)) throw cannot(config, "it was stopped", "");
        }
    };
    const auto finish = [&] {
        control.query("UPDATE walbridge.verify_alignment SET state = 'done' WHERE task = $1 AND request = $2",
                      {config.name, request});
    };
    if (wait_past("asked") != "held") return false;
    const auto began = Clock::now();
    for (int attempt = 0; attempt < snapshots_per_hold; ++attempt) {
        ++attempts_;
        const auto snapshot = take_source();
        control.query("UPDATE walbridge.verify_alignment SET state = 'snapshot', source_snapshot = $3, source_lsn = "
                      "$4::pg_lsn WHERE task = $1 AND request = $2",
                      {config.name, request, snapshot, to_string(taken_before_)});
        nudge(nudging);
        const auto answer = wait_past("snapshot");
        if (answer == "again") continue;
        if (answer != "aligned") return false;
        take_target(config);
        const auto stated = control.query(
            "SELECT position, epoch, keys_complete_since FROM walbridge.verify_alignment WHERE task = $1 AND "
            "request = $2 AND state = 'aligned'",
            {config.name, request});
        // The proof: the snapshot sees the very position at which the process stood.
        const bool proven =
            stated.rows() == 1 && stated.get(0, 0) == to_string(position_) && stated.get(0, 1) == epoch_;
        if (proven && while_held_) {
            try {
                while_held_(*this);
            } catch (...) {
                finish();
                throw;
            }
        }
        finish();
        held_seconds_ += seconds_since(began);
        if (proven) {
            if (keys_since_ && !stated.null(0, 2)) {
                if (wait_past("done") != "keys") return true; // without keys, everything is compared
                complete_since_ = parse_lsn(stated.get(0, 2));
                read_keys(control, config, request);
            }
            return true;
        }
        log::warning("the target's snapshot is not of the moment at which apply stood still",
                     {{"position", to_string(position_)}});
        return false;
    }
    finish();
    held_seconds_ += seconds_since(began);
    return false;
}

void SnapshotPair::read_keys(pg::Session &control, const TaskConfig &config, const std::string &request) {
    const auto rows =
        control.query("SELECT schema_name, table_name, since, key FROM walbridge.verify_key WHERE task = $1 "
                      "AND request = $2",
                      {config.name, request});
    for (int row = 0; row < rows.rows(); ++row) {
        ChangedKey changed{{rows.text(row, 0), rows.text(row, 1)}, parse_lsn(rows.get(row, 2)).value(), {}, {}};
        if (!rows.null(row, 3)) {
            const auto json = nlohmann::json::parse(rows.get(row, 3));
            changed.columns = json.at("columns").get<std::vector<std::string>>();
            changed.values = json.at("values").get<std::vector<std::string>>();
        }
        changed_.push_back(std::move(changed));
    }
    control.query("DELETE FROM walbridge.verify_key WHERE task = $1", {config.name});
}

/// The slot still holds everything that the target lacks: decoding it up to the snapshot shows whether that is nothing.
void SnapshotPair::prove_nothing_is_missing(const TaskConfig &config) {
    if (!position_.valid()) throw cannot(config, "the target knows no such task", "Start it with walbridge run.");
    pg::Session session(config.source.endpoint, session_options(config, "verify"));
    const auto slot = session.query("SELECT active, plugin FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
                                    {config.slot_name()});
    if (slot.rows() == 0)
        throw cannot(config, "no process runs and there is no slot that could prove what the target lacks",
                     "Verify while the task runs, or give --still when nobody writes to the source and everything was "
                     "applied.");
    std::string include;
    for (const auto &pattern : config.objects.include) include += (include.empty() ? "" : ",") + pattern;
    std::string exclude;
    for (const auto &pattern : config.objects.exclude) exclude += (exclude.empty() ? "" : ",") + pattern;
    auto options = fmt::format("'format', 'json', 'include', {}", dialect::postgres::quote_literal(include));
    if (!exclude.empty()) options += ", 'exclude', " + dialect::postgres::quote_literal(exclude);
    // What walbridge itself writes so that positions move (heartbeats, walbridge wait) changes nothing.
    const auto behind = session.value(
        fmt::format("SELECT count(*) FROM pg_catalog.pg_logical_slot_peek_changes($1, $2::pg_lsn, NULL, {}) "
                    "WHERE lsn >= $3::pg_lsn AND data !~ '^{{\"kind\":\"(begin|commit)\"' AND data !~ "
                    "'^{{\"kind\":\"message\",.*\"prefix\":\"walbridge[.](wait|heartbeat)\"'",
                    options),
        {config.slot_name(), to_string(taken_before_), to_string(position_)});
    if (behind && *behind != "0")
        throw cannot(config,
                     fmt::format("no process runs, and the source has moved on past {}, where the target stands",
                                 to_string(position_)),
                     "Let the task run (walbridge run) while it is verified.");
}

} // namespace walbridge::verify
