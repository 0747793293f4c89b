// run_store.cpp: SQL of walbridge.verify_run, verify_range and verify_equal.
#include "verify/run_store.hpp"

#include "verify/result_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::verify {
namespace {

/// A run is resumed with the options it was begun with.
std::string kind_of(const Options &options) {
    std::string text = fmt::format("{}", options.mode == Mode::sample ? options.sample_percent : 0);
    for (const auto &table : options.tables) text += " " + to_string(table);
    return text;
}

pg::Parameter parameter(const std::optional<std::string> &text) { return text; }

} // namespace

RunStore::RunStore(const TaskConfig &config, const Options &options)
    : task_(config.name), session_(config.target.endpoint, session_options(config, "verify")) {
    const auto mode = std::string(name_of(options.mode));
    if (options.resume) {
        const auto last = session_.value("SELECT max(run) FROM walbridge.verify_run WHERE task = $1 AND state = "
                                         "'running' AND mode = $2 AND options = $3",
                                         {task_, mode, kind_of(options)});
        if (!last)
            throw Error(ErrorKind::task_state, fmt::format("verification of task {}", task_),
                        "there is no unfinished one with these options to go on with",
                        "Leave --resume away to begin one.");
        run_ = std::stoll(*last);
        resumed_ = true;
        return;
    }
    session_.execute("BEGIN");
    session_.query(
        "DELETE FROM walbridge.verify_range g USING walbridge.verify_run r WHERE r.run = g.run AND r.task = $1",
        {task_});
    session_.query("UPDATE walbridge.verify_run SET state = 'abandoned' WHERE task = $1 AND state = 'running'",
                   {task_});
    run_ = session_
               .query("INSERT INTO walbridge.verify_run (task, mode, options) VALUES ($1, $2, $3) RETURNING run",
                      {task_, mode, kind_of(options)})
               .number(0, 0);
    session_.execute("COMMIT");
    session_.execute("SET synchronous_commit = off");
}

std::optional<std::vector<PlannedRange>> RunStore::stored(const TablePair &table) {
    const std::lock_guard lock(mutex_);
    const auto rows = session_.query("SELECT fingerprint, low, high, result FROM walbridge.verify_range WHERE run = $1 "
                                     "AND schema_name = $2 AND table_name = $3 ORDER BY number",
                                     {std::to_string(run_), table.source.name.schema, table.source.name.name});
    if (rows.rows() == 0 || rows.get(0, 0) != table.fingerprint()) return std::nullopt;
    std::vector<PlannedRange> ranges;
    for (int row = 0; row < rows.rows(); ++row) {
        PlannedRange planned;
        if (!rows.null(row, 1)) planned.range.low = rows.text(row, 1);
        if (!rows.null(row, 2)) planned.range.high = rows.text(row, 2);
        if (!rows.null(row, 3)) planned.result = range_from_json(nlohmann::json::parse(rows.get(row, 3)));
        ranges.push_back(std::move(planned));
    }
    return ranges;
}

void RunStore::plan(const TablePair &table, const std::vector<PlannedRange> &ranges) {
    const std::lock_guard lock(mutex_);
    const auto &name = table.source.name;
    session_.execute("BEGIN");
    session_.query("DELETE FROM walbridge.verify_range WHERE run = $1 AND schema_name = $2 AND table_name = $3",
                   {std::to_string(run_), name.schema, name.name});
    for (std::size_t number = 0; number < ranges.size(); ++number)
        session_.query(
            "INSERT INTO walbridge.verify_range (run, schema_name, table_name, fingerprint, number, low, high) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            {std::to_string(run_), name.schema, name.name, table.fingerprint(), std::to_string(number),
             parameter(ranges[number].range.low), parameter(ranges[number].range.high)});
    session_.execute("COMMIT");
}

void RunStore::done(const TablePair &table, std::size_t number, const RangeResult &result) {
    const std::lock_guard lock(mutex_);
    session_.query("UPDATE walbridge.verify_range SET result = $5::jsonb WHERE run = $1 AND schema_name = $2 AND "
                   "table_name = $3 AND number = $4",
                   {std::to_string(run_), table.source.name.schema, table.source.name.name, std::to_string(number),
                    as_stored(to_json(result))});
}

std::optional<Lsn> RunStore::equal_at(const TablePair &table) {
    const std::lock_guard lock(mutex_);
    const auto position =
        session_.value("SELECT position FROM walbridge.verify_equal WHERE task = $1 AND schema_name = $2 AND "
                       "table_name = $3 AND fingerprint = $4",
                       {task_, table.source.name.schema, table.source.name.name, table.shape()});
    return position ? parse_lsn(*position) : std::nullopt;
}

std::optional<Lsn> RunStore::oldest_equal() {
    const std::lock_guard lock(mutex_);
    const auto position = session_.value("SELECT min(position) FROM walbridge.verify_equal WHERE task = $1", {task_});
    return position ? parse_lsn(*position) : std::nullopt;
}

void RunStore::equal(const TablePair &table, Lsn position) {
    const std::lock_guard lock(mutex_);
    session_.query(
        "INSERT INTO walbridge.verify_equal AS e (task, schema_name, table_name, fingerprint, position) VALUES "
        "($1, $2, $3, $4, $5::pg_lsn) ON CONFLICT (task, schema_name, table_name) DO UPDATE SET fingerprint "
        "= excluded.fingerprint, position = excluded.position",
        {task_, table.source.name.schema, table.source.name.name, table.shape(), to_string(position)});
}

void RunStore::differs(const TablePair &table) {
    const std::lock_guard lock(mutex_);
    session_.query("DELETE FROM walbridge.verify_equal WHERE task = $1 AND schema_name = $2 AND table_name = $3",
                   {task_, table.source.name.schema, table.source.name.name});
}

void RunStore::finish(Lsn position, std::uint64_t differences) {
    const std::lock_guard lock(mutex_);
    session_.execute("SET synchronous_commit = on; BEGIN");
    session_.query("UPDATE walbridge.verify_run SET state = 'complete', position = $2::pg_lsn, differences = $3, "
                   "finished_at = pg_catalog.clock_timestamp() WHERE run = $1",
                   {std::to_string(run_), to_string(position), std::to_string(differences)});
    session_.query("DELETE FROM walbridge.verify_range WHERE run = $1", {std::to_string(run_)});
    session_.execute("COMMIT");
}

} // namespace walbridge::verify
