// journal.cpp: rows of walbridge.switchover; the undo list travels as JSON.
#include "switchover/journal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::switchover {
namespace {

using Json = nlohmann::ordered_json;

Json as_json(const std::vector<Undo> &list) {
    auto json = Json::array();
    for (const auto &undo : list)
        json.push_back(
            {{"side", name_of(undo.side)}, {"what", undo.what}, {"statement", undo.statement}, {"opens", undo.opens}});
    return json;
}

std::vector<Undo> undo_of(const std::string &text) {
    std::vector<Undo> list;
    for (const auto &entry : Json::parse(text))
        list.push_back({entry["side"] == "source" ? Side::source : Side::target, entry["what"].get<std::string>(),
                        entry["statement"].get<std::string>(), entry["opens"].get<bool>()});
    return list;
}

Outcome outcome_of(const pg::Result &row) {
    if (row.null(0, 1)) return Outcome::under_way;
    return row.get(0, 1) == "undone" ? Outcome::undone : Outcome::switched_over;
}

std::optional<Record> read(pg::Session &target, const char *column, const std::string &value) {
    if (!target.value("SELECT pg_catalog.to_regclass('walbridge.switchover')")) return std::nullopt;
    const auto row =
        target.query(fmt::format("SELECT task, outcome, step, started_at, reverse_task, reverse_file, undo FROM "
                                 "walbridge.switchover WHERE {} = $1 ORDER BY started_at DESC LIMIT 1",
                                 column),
                     {value});
    if (row.rows() == 0) return std::nullopt;
    return Record{row.text(0, 0), outcome_of(row), row.text(0, 2),         row.text(0, 3),
                  row.text(0, 4), row.text(0, 5),  undo_of(row.text(0, 6))};
}

} // namespace

pg::Session open_session(const pg::Endpoint &endpoint, const std::string &application_name) {
    return {endpoint,
            {.application_name = application_name,
             .replication = false,
             .settings = {{"synchronous_commit", "on"}, {"lock_timeout", "10s"}}}};
}

const char *name_of(Side side) { return side == Side::source ? "source" : "target"; }

std::optional<Record> read_record(pg::Session &target, const std::string &task) { return read(target, "task", task); }

std::optional<Record> read_record_of_reverse(pg::Session &target, const std::string &reverse_task) {
    return read(target, "reverse_task", reverse_task);
}

Journal::Journal(const pg::Endpoint &target, std::string task)
    : session_(open_session(target, fmt::format("walbridge_{}:switchover", task))) {
    record_.task = std::move(task);
    if (!session_
             .query("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))",
                    {"walbridge.switchover." + record_.task})
             .flag(0, 0))
        throw Error(ErrorKind::task_state, fmt::format("task {}", record_.task),
                    "another process is switching it over right now", "Wait for that one to end.");
}

void Journal::open(const std::string &reverse_task, const std::string &reverse_file) {
    record_.reverse_task = reverse_task;
    record_.reverse_file = reverse_file;
    record_.outcome = Outcome::under_way;
    record_.undo.clear();
    session_.query(
        "INSERT INTO walbridge.switchover (task, step, reverse_task, reverse_file) VALUES ($1, 'begin', $2, "
        "$3) ON CONFLICT (task) DO UPDATE SET started_at = now(), finished_at = NULL, outcome = NULL, step = "
        "'begin', reverse_task = excluded.reverse_task, reverse_file = excluded.reverse_file, fence_lsn = "
        "NULL, undo = '[]', report = NULL",
        {record_.task, reverse_task, reverse_file});
}

void Journal::step(const std::string &name) {
    record_.step = name;
    session_.query("UPDATE walbridge.switchover SET step = $2 WHERE task = $1", {record_.task, name});
}

void Journal::will_do(Undo undo) {
    record_.undo.push_back(std::move(undo));
    session_.query("UPDATE walbridge.switchover SET undo = $2::jsonb WHERE task = $1",
                   {record_.task, as_json(record_.undo).dump()});
}

void Journal::finish(Outcome outcome, const std::string &report_json) {
    record_.outcome = outcome;
    session_.query("UPDATE walbridge.switchover SET outcome = $2, finished_at = now(), report = $3::jsonb WHERE task = "
                   "$1",
                   {record_.task, outcome == Outcome::undone ? "undone" : "switched-over", report_json});
}

bool Journal::commit(Lsn fence, const std::string &report_json) {
    session_.execute("BEGIN");
    const bool there = session_
                           .query("UPDATE walbridge.task SET state = 'switched-over', error = NULL, updated_at = now() "
                                  "WHERE task = $1",
                                  {record_.task})
                           .affected() == 1;
    session_.query("UPDATE walbridge.switchover SET fence_lsn = $2::pg_lsn WHERE task = $1",
                   {record_.task, to_string(fence)});
    finish(Outcome::switched_over, report_json);
    session_.execute(there ? "COMMIT" : "ROLLBACK");
    return there;
}

} // namespace walbridge::switchover
