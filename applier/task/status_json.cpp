// status_json.cpp: builds the status document from the live figures.
#include "task/status_json.hpp"

#include "base/lsn.hpp"
#include "task/state_store.hpp"
#include "task/throttle_settings.hpp"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;

template <class T> Json or_null(const std::optional<T> &value) { return value ? Json(*value) : Json(nullptr); }

double rounded(double value) { return std::round(value * 1000) / 1000; }

struct Totals {
    std::uint64_t rows = 0, bytes = 0, estimated_rows = 0, estimated_bytes = 0;
    int tables = 0, done = 0;
};

Totals totals_of(const copy::Progress::Snapshot &snapshot) {
    Totals totals;
    for (const auto &table : snapshot.tables) {
        totals.rows += table.rows;
        totals.bytes += table.bytes;
        totals.estimated_rows += std::max(table.estimated_rows, table.done() ? std::uint64_t{0} : table.rows);
        totals.estimated_bytes += table.done() ? table.bytes : std::max(table.estimated_bytes, table.bytes);
        ++totals.tables;
        totals.done += table.done() ? 1 : 0;
    }
    return totals;
}

} // namespace

std::optional<Live::Retrying> StatusWriter::retrying(const Live &live) {
    if (const auto view = live.view(); view.retrying) return view.retrying;
    const auto entry = live.copy.retries.oldest();
    if (!entry) return std::nullopt;
    const auto seconds = [](RetryBoard::Clock::time_point time) {
        return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
    };
    return Live::Retrying{entry->attempts, seconds(entry->since), seconds(entry->next), entry->reason};
}

State StatusWriter::shown_state(const Live &live) {
    const auto view = live.view();
    if (view.state == State::schema || view.state == State::full) {
        if (live.copy.retries.oldest()) return State::retrying;
        return live.copy.snapshot().phase == copy::Phase::data ? State::full : State::schema;
    }
    if (!view.following) return view.state;
    if (view.paused) return State::paused;
    return live.statistics.connected && live.statistics.caught_up ? State::running : State::catching_up;
}

std::string StatusWriter::write(const Live &live, const Source &source, const std::string &alerts) {
    const auto now = RateMeter::Clock::now();
    const auto view = live.view();
    const auto state = shown_state(live);
    Json json;
    json["task"] = config_.name;
    json["state"] = name_of(state);
    const auto copied = live.copy.snapshot();
    const bool copying = copied.phase != copy::Phase::waiting && copied.phase != copy::Phase::done;
    json["stage"] = view.following || view.in_follow    ? "incremental"
                    : copied.phase == copy::Phase::data ? "full"
                    : copying                           ? "schema"
                                                        : "none";
    json["holder"] = holder_name();
    json["labels"] = config_.labels;
    if (const auto retry = retrying(live))
        json["retry"] = {
            {"attempts", retry->attempts}, {"since", retry->since}, {"next", retry->next}, {"reason", retry->reason}};
    {
        const auto [limits, overrides] = live.limits();
        Json in_force;
        for (const auto &[key, value] : values(limits)) in_force[key] = value;
        json["throttle"] = {{"in_force", std::move(in_force)}, {"set", stored_throttle(overrides)}};
    }
    if (const auto guard = live.copy.guard.view(); guard.times != 0)
        json["source_guard"] = {{"held", guard.since.has_value()},
                                {"since", or_null(guard.since)},
                                {"reason", guard.reason},
                                {"action", guard.action},
                                {"times", guard.times},
                                {"held_seconds", rounded(guard.held_seconds)}};
    if (const auto clocks = live.clocks(); clocks.measured_at != 0) {
        const auto seconds = [](std::int64_t micros) { return static_cast<double>(micros) / 1e6; };
        json["clocks"] = {{"source_ahead_seconds", seconds(clocks.source_us.value_or(0))},
                          {"target_ahead_seconds", seconds(clocks.target_us.value_or(0))},
                          {"difference_seconds", seconds(clocks.difference_us().value_or(0))},
                          {"uncertainty_seconds", seconds(clocks.uncertainty_us)},
                          {"max_offset_seconds", static_cast<double>(config_.conflict.max_offset.count()) / 1e3},
                          {"measured_at", clocks.measured_at}};
    }
    if (const auto sequences = live.sequences(); sequences.brought_at != 0 || sequences.failing_since != 0)
        json["sequences"] = {
            {"selected", sequences.selected},
            {"written", sequences.written},
            {"brought_at", sequences.brought_at},
            {"missing", sequences.missing},
            {"refused", sequences.refused},
            {"names", sequences.names},
            {"failing_since", sequences.failing_since == 0 ? Json(nullptr) : Json(sequences.failing_since)},
            {"reason", sequences.reason}};

    const auto totals = totals_of(copied);
    rows_.add(now, totals.rows);
    bytes_.add(now, totals.bytes);
    if (copied.phase != copy::Phase::waiting) {
        Json copy{{"phase", copy::name_of(copied.phase)},
                  {"tables", totals.tables},
                  {"tables_done", totals.done},
                  {"rows", totals.rows},
                  {"bytes", totals.bytes},
                  {"estimated_rows", totals.estimated_rows},
                  {"estimated_bytes", totals.estimated_bytes},
                  {"items", copied.items},
                  {"items_done", copied.items_done}};
        if (copying) {
            copy["rows_per_second"] = rounded(rows_.per_second());
            copy["bytes_per_second"] = rounded(bytes_.per_second());
            copy["eta_seconds"] = or_null(eta_seconds(totals.bytes, totals.estimated_bytes, bytes_.per_second()));
            auto active = Json::array(); // finished tables stand in walbridge.table_sync
            for (const auto &table : copied.tables) {
                if (table.done() || table.rows == 0 || active.size() == 100) continue;
                auto &[rows, bytes] = tables_[table.table];
                rows.add(now, table.rows);
                bytes.add(now, table.bytes);
                active.push_back(
                    {{"schema", table.table.schema},
                     {"table", table.table.name},
                     {"rows", table.rows},
                     {"bytes", table.bytes},
                     {"estimated_rows", table.estimated_rows},
                     {"estimated_bytes", table.estimated_bytes},
                     {"rows_per_second", rounded(rows.per_second())},
                     {"bytes_per_second", rounded(bytes.per_second())},
                     {"eta_seconds", or_null(eta_seconds(table.bytes, table.estimated_bytes, bytes.per_second()))}});
            }
            copy["active"] = std::move(active);
        } else {
            tables_.clear();
        }
        json["copy"] = std::move(copy);
    }

    const auto &figures = live.statistics;
    const auto position = [](std::uint64_t value) { return value == 0 ? Json(nullptr) : Json(to_string(Lsn{value})); };
    json["positions"] = {{"received", position(figures.received_lsn)},
                         {"applied", position(figures.applied_lsn)},
                         {"durable", position(figures.durable_lsn)}};
    const LagInput lag{.now = now_since_2000(),
                       .applied_commit_time = figures.applied_commit_time,
                       .heartbeat_sent = figures.heartbeat_sent,
                       .last_lag = figures.last_lag_us,
                       .heartbeat_lag = figures.heartbeat_lag_us,
                       .heartbeat_interval = std::chrono::microseconds(config_.source.heartbeat).count(),
                       .caught_up = state == State::running};
    const auto seconds = lag_seconds(lag);
    lag_ = seconds;
    json["lag_seconds"] = seconds ? Json(rounded(*seconds)) : Json(nullptr);
    const auto micro = [](std::int64_t value) {
        return value < 0 ? Json(nullptr) : Json(static_cast<double>(value) / 1e6);
    };
    json["lag"] = {{"last_transaction_seconds", micro(figures.last_lag_us)},
                   {"heartbeat_seconds", micro(figures.heartbeat_lag_us)},
                   {"heartbeat_age_seconds", lag.heartbeat_sent == 0
                                                 ? Json(nullptr)
                                                 : micro(std::max<std::int64_t>(0, lag.now - lag.heartbeat_sent))}};
    changes_.add(now, figures.changes);
    json["counters"] = {{"transactions", figures.transactions.load()},
                        {"changes", figures.changes.load()},
                        {"bytes", figures.bytes.load()},
                        {"changes_per_second", rounded(changes_.per_second())},
                        {"bulk_batches", figures.bulk_batches.load()},
                        {"parallel_runs", figures.parallel_runs.load()},
                        {"exact_batches", figures.exact_batches.load()},
                        {"fallbacks", figures.fallbacks.load()},
                        {"conflicts", figures.conflicts.load()},
                        {"ddl_applied", figures.ddl_applied.load()},
                        {"ddl_skipped", figures.ddl_skipped.load()},
                        {"ddl_refused", figures.ddl_refused.load()},
                        {"ddl_recognised", figures.ddl_recognised.load()}};
    json["conflicts"] = Json::array();
    for (const auto &[table, kind, outcome, count] : source.conflicts)
        json["conflicts"].push_back(
            {{"schema", table.schema}, {"table", table.name}, {"kind", kind}, {"outcome", outcome}, {"count", count}});
    if (live.drift_checked_at != 0)
        json["schema_drift"] = {{"count", live.drifted.load()}, {"checked_at", live.drift_checked_at.load()}};
    json["alerts"] = Json::parse(alerts, nullptr, false);
    if (source.cost) json["source_cost"] = Json::parse(source_cost_json(*source.cost), nullptr, false);
    if (const auto &slot = source.slot)
        json["slot"] = {{"name", config_.slot_name()},
                        {"active", slot->active},
                        {"wal_status", slot->wal_status},
                        {"safe_wal_size", or_null(slot->safe_wal_size)},
                        {"retained_bytes", or_null(slot->retained_bytes)},
                        {"confirmed", slot->confirmed_flush},
                        {"age_seconds", rounded(source.slot_age_seconds)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string StatusWriter::bar(const Live &live, int width) {
    const auto copied = live.copy.snapshot();
    if (copied.phase == copy::Phase::waiting || copied.phase == copy::Phase::done) return {};
    if (copied.phase != copy::Phase::data)
        return progress_line(std::string(copy::name_of(copied.phase)), static_cast<std::uint64_t>(copied.items_done),
                             static_cast<std::uint64_t>(copied.items),
                             fmt::format("{} of {} objects", copied.items_done, copied.items), width);
    const auto totals = totals_of(copied);
    const auto eta = eta_seconds(totals.bytes, totals.estimated_bytes, bytes_.per_second());
    return progress_line("copy", totals.bytes, totals.estimated_bytes,
                         fmt::format("{} rows, {}, {}/s{}, {} of {} tables", human_count(totals.rows),
                                     human_bytes(static_cast<double>(totals.bytes)), human_bytes(bytes_.per_second()),
                                     eta ? ", " + human_seconds(*eta) + " to go" : "", totals.done, totals.tables),
                         width);
}

} // namespace walbridge::task
