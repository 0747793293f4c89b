// conflict_records.cpp: see conflict_records.hpp. JSON is made by the server: numbers keep every digit.
#include "task/conflict_records.hpp"

#include "config/value_text.hpp"
#include "dialect/postgres.hpp"
#include "task/side_by_side.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_literal;

/// Ids that may still become visible behind younger ones.
constexpr std::int64_t late_ids = 1000;
/// Records that one look at the oldest ones takes.
constexpr int oldest_looked_at = 1000;

/// What lists and single records have in common, as pairs of json_build_object.
constexpr const char *json_pairs =
    "'id', c.id, 'at', c.at, 'state', {0}, 'kind', c.kind, 'schema', c.schema_name, 'table', c.table_name, "
    "'operation', c.operation, 'key', c.key, 'policy', c.policy, 'outcome', c.outcome, 'constraint', "
    "c.constraint_name, 'commit_lsn', c.commit_lsn, 'change', c.change, 'commit_time', c.commit_time, "
    "'source_origin', c.source_origin, 'target_origin', c.target_origin, 'target_commit_time', c.target_commit_time, "
    "'decision', c.decision, 'decided_by', c.decided_by, 'decided_at', c.decided_at";

/// The rows of the target that a record names.
constexpr const char *target_rows =
    "pg_catalog.jsonb_array_elements(CASE pg_catalog.jsonb_typeof(c.target_row) WHEN 'array' THEN c.target_row WHEN "
    "'object' THEN pg_catalog.jsonb_build_array(c.target_row) ELSE '[]' END)";

std::string joined(const std::vector<std::string> &words) {
    std::string text;
    for (const auto &word : words) text += (text.empty() ? "" : ", ") + quote_literal(word);
    return text;
}

std::string one_line(std::string text, std::size_t longest) {
    for (auto &c : text)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

std::string origin_text(const pg::Result &row, int column) {
    if (row.null(0, column)) return "not known";
    return row.get(0, column).empty() ? "written there" : "origin " + row.text(0, column);
}

/// Positions are text on MySQL.
std::string position_in_mysql(const std::string &text) {
    return fmt::format("(conv(substring_index({0}, '/', 1), 16, 10) * 4294967296 + conv(substring_index({0}, '/', -1), "
                       "16, 10))",
                       text);
}

/// conflict_pending_sql() there.
std::string pending_in_mysql(const std::string &row, const std::string &task) {
    return fmt::format(
        "({0}.outcome = 'stopped' AND {1} >= coalesce((SELECT {2} FROM walbridge.progress p WHERE p.task "
        "= {3}), 0))",
        row, position_in_mysql(row + ".commit_lsn"), position_in_mysql("p.position"), task);
}

[[noreturn]] void none_of_that_id(const std::string &id) {
    throw Error(ErrorKind::task_state, "conflict " + id, "there is none of that id",
                "walbridge conflicts list shows them.");
}

/// Both rows as lines; columns in the order of the table.
std::string rows_side_by_side(pg::Session &target, const TaskConfig &config, const std::string &id) {
    const auto values = target.query(
        fmt::format(
            "SELECT v.side, v.key, v.value FROM walbridge.conflict c CROSS JOIN LATERAL (SELECT 0 AS side, s.key, "
            "s.value FROM pg_catalog.jsonb_each_text(CASE pg_catalog.jsonb_typeof(c.source_row) WHEN 'object' THEN "
            "c.source_row ELSE '{{}}' END) s UNION ALL SELECT e.side, r.key, r.value FROM {} WITH ORDINALITY AS e(row, "
            "side) CROSS JOIN LATERAL pg_catalog.jsonb_each_text(e.row) r UNION ALL SELECT -1, w.key, w.value FROM "
            "pg_catalog.jsonb_each_text(CASE pg_catalog.jsonb_typeof(c.edited_row) WHEN 'object' THEN c.edited_row "
            "ELSE '{{}}' END) w) v LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = c.schema_name LEFT JOIN "
            "pg_catalog.pg_class k ON k.relnamespace = n.oid AND k.relname = c.table_name LEFT JOIN "
            "pg_catalog.pg_attribute a ON a.attrelid = k.oid AND a.attname = v.key WHERE c.task = $1 AND c.id = "
            "$2::bigint ORDER BY a.attnum NULLS LAST, v.key, v.side",
            target_rows),
        {config.name, id});
    int sides = 1;
    bool edited = false;
    for (int row = 0; row < values.rows(); ++row) {
        sides = std::max(sides, static_cast<int>(values.number(row, 0)));
        edited = edited || values.number(row, 0) < 0;
    }
    std::vector<std::string> heads{"source"};
    for (int side = 1; side <= sides; ++side) heads.push_back(sides == 1 ? "target" : fmt::format("target {}", side));
    if (edited) heads.emplace_back("edited");
    std::vector<SideBySideLine> lines;
    std::vector<std::vector<bool>> given;
    for (int row = 0; row < values.rows(); ++row) {
        if (lines.empty() || lines.back().name != values.get(row, 1)) {
            lines.push_back({values.text(row, 1), {}, false});
            lines.back().values.assign(heads.size(), absent_value);
            given.emplace_back(heads.size(), false);
        }
        const auto side = values.number(row, 0);
        const auto at = side < 0 ? heads.size() - 1 : static_cast<std::size_t>(side);
        lines.back().values[at] = values.null(row, 2) ? std::nullopt : std::optional(values.text(row, 2));
        given.back()[at] = true;
    }
    for (std::size_t line = 0; line < lines.size(); ++line)
        for (int side = 1; side <= sides; ++side) {
            const auto at = static_cast<std::size_t>(side);
            if (given[line][0] && given[line][at] && lines[line].values[0] != lines[line].values[at])
                lines[line].differs = true;
        }
    return lines.empty() ? std::string() : side_by_side(heads, lines);
}

} // namespace

std::string conflict_pending_sql() {
    return "(c.outcome = 'stopped' AND c.commit_lsn >= coalesce((SELECT p.position FROM walbridge.progress p WHERE "
           "p.task = $1), '0/0'))";
}

std::string conflict_state_sql() {
    return fmt::format("CASE WHEN {} THEN CASE WHEN c.decision IS NULL THEN 'open' ELSE 'decided' END WHEN c.outcome = "
                       "'stopped' THEN 'passed' WHEN c.decision IS NOT NULL THEN 'resolved' ELSE 'settled' END",
                       conflict_pending_sql());
}

std::string conflicts_from_sql() { return "FROM walbridge.conflict c WHERE c.task = $1"; }

std::string conflict_conditions(pg::Session &target, const TaskConfig &config, const ConflictFilter &filter) {
    std::string sql;
    if (filter.open) sql += fmt::format(" AND {} AND c.decision IS NULL", conflict_pending_sql());
    std::string tables;
    for (const auto &table : filter.tables)
        for (const auto &name : {table, config.names.table(table)})
            tables += fmt::format("{}({}, {})", tables.empty() ? "" : ", ", quote_literal(name.schema),
                                  quote_literal(name.name));
    if (!tables.empty()) sql += fmt::format(" AND (c.schema_name, c.table_name) IN ({})", tables);
    if (!filter.kinds.empty()) sql += fmt::format(" AND c.kind IN ({})", joined(filter.kinds));
    if (filter.since.empty()) return sql;
    if (const auto age = config::parse_duration(filter.since))
        return sql + fmt::format(" AND c.at >= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => {})",
                                 static_cast<double>(age->count()) / 1000);
    try {
        const auto time = target.value("SELECT $1::timestamptz", {filter.since});
        return sql + fmt::format(" AND c.at >= {}::timestamptz", quote_literal(time.value_or("-infinity")));
    } catch (const SqlError &error) {
        if (!error.sqlstate().starts_with("22")) throw;
        throw Error(ErrorKind::usage, "--since", fmt::format("\"{}\" is neither a duration nor a time", filter.since),
                    "Write for example --since 2h or --since \"2026-01-31 18:00\".");
    }
}

pg::Session open_inbox(const TaskConfig &config, std::vector<std::pair<std::string, std::string>> settings) {
    pg::Session target(
        config.target.endpoint,
        {.application_name = "walbridge:conflicts", .replication = false, .settings = std::move(settings)});
    if (!read_task(target, config.name))
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "the target knows no such task",
                    "Start it with walbridge run.");
    install_state(target);
    return target;
}

std::string conflict_id(const std::string &word) {
    const bool number = !word.empty() && word.size() < 19 && word.find_first_not_of("0123456789") == std::string::npos;
    return number ? word : "-1";
}

std::string list_conflicts(const TaskConfig &config, const ConflictFilter &filter, bool json) {
    auto target = open_inbox(config);
    const auto conditions = conflict_conditions(target, config, filter);
    const auto order = fmt::format(" ORDER BY {} AND c.decision IS NULL DESC, c.id DESC{}", conflict_pending_sql(),
                                   filter.limit > 0 ? fmt::format(" LIMIT {}", filter.limit) : std::string());
    if (json) {
        const auto rows = target.query(fmt::format("SELECT pg_catalog.json_build_object({}) {}{}{}",
                                                   fmt::format(fmt::runtime(json_pairs), conflict_state_sql()),
                                                   conflicts_from_sql(), conditions, order),
                                       {config.name});
        std::string text = "[";
        for (int row = 0; row < rows.rows(); ++row) text += (row == 0 ? "\n " : ",\n ") + rows.text(row, 0);
        return text + (rows.rows() == 0 ? "]\n" : "\n]\n");
    }
    const auto rows = target.query(
        fmt::format("SELECT c.id, pg_catalog.to_char(c.at, 'YYYY-MM-DD HH24:MI:SS'), {}, c.kind, c.schema_name || '.' "
                    "|| c.table_name, c.key::text, c.policy, c.outcome, coalesce(c.decision, '') {}{}{}",
                    conflict_state_sql(), conflicts_from_sql(), conditions, order),
        {config.name});
    if (rows.rows() == 0) return filter.open ? "no conflict waits for a decision\n" : "no conflict is recorded\n";
    std::string text = fmt::format("{:>6}  {:<19}  {:<8}  {:<25}  {:<24}  {:<24}  {:<10}  {:<16}  {}\n", "id", "at",
                                   "state", "kind", "table", "key", "policy", "outcome", "decision");
    for (int row = 0; row < rows.rows(); ++row)
        text += fmt::format("{:>6}  {:<19}  {:<8}  {:<25}  {:<24}  {:<24}  {:<10}  {:<16}  {}\n", rows.get(row, 0),
                            rows.get(row, 1), rows.get(row, 2), rows.get(row, 3), rows.get(row, 4),
                            one_line(rows.text(row, 5), 40), rows.get(row, 6), rows.get(row, 7), rows.get(row, 8));
    if (filter.limit > 0 && rows.rows() == filter.limit)
        if (const auto all =
                target.query(fmt::format("SELECT count(*) {}{}", conflicts_from_sql(), conditions), {config.name})
                    .number(0, 0);
            all > filter.limit)
            text += fmt::format("and {} more (--limit 0 shows all)\n", all - filter.limit);
    return text;
}

std::string show_conflict(const TaskConfig &config, const std::string &id, bool json) {
    auto target = open_inbox(config);
    const auto number = conflict_id(id);
    if (json) {
        const auto row = target.query(
            fmt::format(
                "SELECT pg_catalog.json_build_object({}, 'source_row', c.source_row, 'target_row', c.target_row, "
                "'edited_row', c.edited_row, 'differs', (SELECT coalesce(pg_catalog.json_agg(k.name ORDER BY k.name), "
                "'[]') FROM pg_catalog.jsonb_object_keys(CASE pg_catalog.jsonb_typeof(c.source_row) WHEN 'object' THEN "
                "c.source_row ELSE '{{}}' END) AS k(name) WHERE EXISTS (SELECT FROM {} AS t(row) WHERE t.row ? k.name "
                "AND (t.row -> k.name)::text IS DISTINCT FROM (c.source_row -> k.name)::text))) {} AND c.id = "
                "$2::bigint",
                fmt::format(fmt::runtime(json_pairs), conflict_state_sql()), target_rows, conflicts_from_sql()),
            {config.name, number});
        if (row.rows() == 0) none_of_that_id(id);
        return row.text(0, 0) + "\n";
    }
    const auto row = target.query(
        fmt::format("SELECT c.kind, c.schema_name || '.' || c.table_name, {}, c.at, coalesce(c.operation, '-'), "
                    "c.change, c.commit_lsn, coalesce(c.commit_time::text, '-'), c.policy, c.outcome, c.key::text, "
                    "coalesce(c.constraint_name, ''), c.source_origin, c.target_origin, "
                    "coalesce(c.target_commit_time::text, ''), coalesce(c.decision, 'none'), coalesce(c.decided_by, "
                    "''), coalesce(c.decided_at::text, '') {} AND c.id = $2::bigint",
                    conflict_state_sql(), conflicts_from_sql()),
        {config.name, number});
    if (row.rows() == 0) none_of_that_id(id);
    std::string text =
        fmt::format("id:          {}\nkind:        {} in {}\nstate:       {}\nat:          {}\n"
                    "change:      {}, number {} of the transaction at {}, committed {}\n"
                    "policy:      {}\noutcome:     {}\nkey:         {}\n",
                    number, row.get(0, 0), row.get(0, 1), row.get(0, 2), row.get(0, 3), row.get(0, 4), row.get(0, 5),
                    row.get(0, 6), row.get(0, 7), row.get(0, 8), row.get(0, 9), row.get(0, 10));
    if (!row.get(0, 11).empty()) text += fmt::format("constraint:  {}\n", row.get(0, 11));
    text += fmt::format("source:      {}\n", origin_text(row, 12));
    text += fmt::format("target:      {}{}\n", origin_text(row, 13),
                        row.get(0, 14).empty() ? "" : ", committed " + row.text(0, 14));
    text += fmt::format("decision:    {}{}\n", row.get(0, 15),
                        row.get(0, 16).empty() ? "" : fmt::format(" by {} at {}", row.get(0, 16), row.get(0, 17)));
    return text + rows_side_by_side(target, config, number);
}

std::int64_t count_open_conflicts(sql::Session &target, const std::string &task) {
    return target
        .ask(
            {// A state of an older version has no decisions.
             fmt::format("SELECT count(*) {} AND {} AND (pg_catalog.to_jsonb(c) ->> 'decision') IS NULL",
                         conflicts_from_sql(), conflict_pending_sql()),
             fmt::format("SELECT count(*) {} AND {} AND c.decision IS NULL", conflicts_from_sql(),
                         pending_in_mysql("c", "$1"))},
            {task})
        .number(0, 0);
}

std::int64_t remove_old_conflicts(sql::Session &target, const TaskConfig &config) {
    if (config.conflict.keep.count() == 0) return 0;
    const auto seconds = std::to_string(static_cast<double>(config.conflict.keep.count()) / 1000);
    return target
        .ask({fmt::format(
                  "DELETE FROM walbridge.conflict d USING (SELECT c.id FROM walbridge.conflict c WHERE c.task = $1 "
                  "ORDER BY c.task, c.commit_lsn, c.change, c.kind LIMIT {}) AS oldest WHERE d.id = oldest.id AND "
                  "greatest(d.at, d.decided_at) < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => "
                  "$2::float8) AND NOT (d.outcome = 'stopped' AND d.commit_lsn >= coalesce((SELECT p.position FROM "
                  "walbridge.progress p WHERE p.task = $1), '0/0'))",
                  oldest_looked_at),
              fmt::format("DELETE FROM walbridge.conflict WHERE task = $1 AND greatest(at, coalesce(decided_at, at)) < "
                          "utc_timestamp(6) - INTERVAL $2 SECOND AND NOT {} ORDER BY id LIMIT {}",
                          pending_in_mysql("walbridge.conflict", "$1"), oldest_looked_at)},
             {config.name, seconds})
        .affected();
}

void ConflictCounter::look(sql::Session &target, const std::string &task, std::chrono::duration<double> age) {
    const bool first = !newest_;
    if (first) newest_ = target.ask("SELECT coalesce(max(id), 0) FROM walbridge.conflict").number(0, 0);
    const auto rows = target.ask(
        {"SELECT id, schema_name, table_name, kind, outcome, at > pg_catalog.clock_timestamp() - "
         "pg_catalog.make_interval(secs => $3::float8) FROM walbridge.conflict WHERE task = $1 AND id > $2::bigint",
         "SELECT id, schema_name, table_name, kind, outcome, at > utc_timestamp(6) - INTERVAL $3 SECOND FROM "
         "walbridge.conflict WHERE task = $1 AND id > $2"},
        {task, std::to_string(*newest_ - late_ids), std::to_string(age.count())});
    news_.clear();
    for (int row = 0; row < rows.rows(); ++row) {
        const std::int64_t id = rows.number(row, 0);
        newest_ = std::max(*newest_, id);
        if (!seen_.insert(id).second || (first && !rows.flag(row, 5))) continue;
        news_.insert(rows.text(row, 3));
        ++counts_[{{rows.text(row, 1), rows.text(row, 2)}, rows.text(row, 3), rows.text(row, 4)}];
    }
    seen_.erase(seen_.begin(), seen_.lower_bound(*newest_ - late_ids));
}

std::vector<ConflictCounter::Figure> ConflictCounter::figures() const {
    std::vector<Figure> figures;
    for (const auto &[what, count] : counts_)
        figures.push_back({std::get<0>(what), std::get<1>(what), std::get<2>(what), count});
    return figures;
}

} // namespace walbridge::task
