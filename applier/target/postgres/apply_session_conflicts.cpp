// apply_session_conflicts.cpp: what the exact path asks about rows that a change meets, and what is written down of it.
#include "base/error.hpp"
#include "change/announcement.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/apply_session.hpp"
#include "target/postgres/catalog.hpp"
#include "target/postgres/row_bindings.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::target {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

/// Rows shown in conflict records keep values up to this size; longer ones are named by their length.
constexpr std::size_t longest_shown_value = 4096;

/// Rows in the way that one record names.
constexpr int most_rows_met = 20;

/// Conditions and bindings over the unique keys of a row, each key in parentheses, joined by OR.
struct KeyCondition {
    std::string sql;
    Bindings bindings;
    std::size_t parameters = 0;
};

void add_key(const TablePlan &plan, const TargetKey &key, Row row, KeyCondition &condition) {
    std::string part;
    std::vector<std::pair<const PlannedColumn *, const Value *>> values;
    std::size_t number = condition.parameters;
    for (std::size_t position = 0; position < key.columns.size(); ++position) {
        const auto index = find_column(plan, key.columns[position]);
        if (!index || row[*index].kind == ValueKind::unchanged) return;
        const auto name = quote_identifier(key.columns[position]);
        part += part.empty() ? "" : " AND ";
        if (row[*index].kind == ValueKind::null) {
            if (!key.nulls_not_distinct) return; // nulls never collide
            part += name + " IS NULL";
            continue;
        }
        part += fmt::format("{} {} {}", name, key.operators[position],
                            statements::typed_parameter(plan.columns[*index], ++number));
        values.emplace_back(&plan.columns[*index], &row[*index]);
    }
    if (part.empty()) return;
    condition.sql += (condition.sql.empty() ? "(" : " OR (") + part + ")";
    condition.parameters = number;
    for (const auto &[column, value] : values) bind_value(condition.bindings, *column, *value);
}

KeyCondition unique_key_condition(const TablePlan &plan, Row row) {
    KeyCondition condition;
    for (const auto &key : plan.table.keys)
        if (key.usable) add_key(plan, key, row, condition);
    return condition;
}

/// `AND NOT (key = ...)`: leaves the row itself out.
void leave_out(const TablePlan &plan, const Row &key, KeyCondition &condition) {
    std::string part;
    for (const auto index : plan.key) {
        part += part.empty() ? "" : " AND ";
        part += fmt::format("{} {} {}", quote_identifier(plan.columns[index].target.name), plan.columns[index].equality,
                            statements::typed_parameter(plan.columns[index], ++condition.parameters));
        bind_value(condition.bindings, plan.columns[index], key[index]);
    }
    if (!part.empty()) condition.sql = fmt::format("({}) AND NOT ({})", condition.sql, part);
}

} // namespace

long long PostgresApplySession::delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) {
    auto condition = unique_key_condition(plan, row);
    if (condition.sql.empty()) return 0;
    if (except_key != nullptr) leave_out(plan, *except_key, condition);
    const auto sql = fmt::format("DELETE FROM {} WHERE {}", statements::relation_of(plan), condition.sql);
    const auto result = run_as_owner(plan, sql, condition.bindings);
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) session_.raise(result.raw(), sql);
    return result.affected();
}

/// The rows of a query over MetRows' columns (met_row in statements.hpp), with when and by whom each was written.
std::string PostgresApplySession::met(const std::string &rows) const {
    const std::string shown = "CASE WHEN pg_catalog.length(found.shown) <= 65536 THEN found.shown ELSE "
                              "pg_catalog.json_build_object('bytes', pg_catalog.length(found.shown), 'md5', "
                              "pg_catalog.md5(found.shown))::text END";
    if (!commit_times_) return fmt::format("SELECT {}, found.key, NULL, NULL, true FROM ({}) AS found", shown, rows);
    const auto us = dialect::postgres::quote_literal(config_.origin_name());
    return fmt::format(
        "SELECT {0}, found.key, (EXTRACT(epoch FROM w.timestamp - timestamptz '2000-01-01 00:00:00+00') * "
        "1000000)::bigint, "
        "CASE WHEN w.timestamp IS NULL THEN NULL WHEN w.roident = 0 THEN '' ELSE COALESCE(o.roname, '#' || "
        "w.roident::text) END, w.timestamp IS NULL OR COALESCE(o.roname = {1} OR pg_catalog.starts_with(o.roname, {1} "
        "|| ':'), false) FROM ({2}) AS found LEFT JOIN LATERAL "
        "pg_catalog.pg_xact_commit_timestamp_origin(found.writer) AS w ON true LEFT JOIN "
        "pg_catalog.pg_replication_origin o ON o.roident = w.roident",
        shown, us, rows);
}

std::vector<MetRow> PostgresApplySession::read_met(const pg::Result &rows) const {
    std::vector<MetRow> list;
    for (int row = 0; row < rows.rows(); ++row) {
        MetRow met;
        met.shown = rows.text(row, 0);
        if (!rows.null(row, 1)) met.key = rows.text(row, 1);
        if (!rows.null(row, 2)) met.commit_time = rows.number(row, 2);
        if (!rows.null(row, 3)) met.origin = rows.text(row, 3);
        met.own = rows.flag(row, 4);
        list.push_back(std::move(met));
    }
    return list;
}

std::vector<MetRow> PostgresApplySession::rows_in_the_way(const TablePlan &plan, Row row, const Row *except_key) {
    pipeline_.begin_now();
    auto condition = unique_key_condition(plan, row);
    if (condition.sql.empty()) return {};
    if (except_key != nullptr) leave_out(plan, *except_key, condition);
    const auto sql = met(fmt::format("SELECT {} FROM {} AS t WHERE {} LIMIT {} FOR UPDATE", statements::met_row(plan),
                                     statements::relation_of(plan), condition.sql, most_rows_met));
    const auto result = run_as_owner(plan, sql, condition.bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) session_.raise(result.raw(), sql);
    return read_met(result);
}

std::string PostgresApplySession::row_as_json(const TablePlan &plan, Row row) {
    std::string columns;
    Bindings bindings;
    std::size_t number = 0;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        const auto &value = row[index];
        if (value.kind == ValueKind::unchanged) continue;
        columns += columns.empty() ? "" : ", ";
        const auto name = quote_identifier(plan.columns[index].target.name);
        if (value.bytes.size() > longest_shown_value) {
            columns += fmt::format("${}::pg_catalog.text AS {}", ++number, name);
            bindings.add_text(fmt::format("({} bytes)", value.bytes.size()));
        } else {
            columns += fmt::format("{} AS {}", statements::typed_parameter(plan.columns[index], ++number), name);
            bind_value(bindings, plan.columns[index], value);
        }
    }
    const auto sql = fmt::format("SELECT pg_catalog.to_json(r.*)::text FROM (SELECT {}) AS r", columns);
    const auto result = run_as_owner(plan, sql, bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) return "{}";
    return result.text(0, 0);
}

std::vector<ConflictDecision> PostgresApplySession::decisions() {
    const auto rows = session_.query("SELECT commit_lsn, change, decision = 'overwrite' FROM walbridge.conflict WHERE "
                                     "task = $1 AND outcome = 'stopped' AND decision IN ('skip', 'overwrite')",
                                     {config_.name});
    std::vector<ConflictDecision> list;
    for (int row = 0; row < rows.rows(); ++row)
        list.push_back(
            {parse_lsn(rows.get(row, 0)).value(), static_cast<std::uint64_t>(rows.number(row, 1)), rows.flag(row, 2)});
    return list;
}

void PostgresApplySession::record_conflict(const ConflictRecord &conflict) {
    pipeline_.begin_now();
    std::string met; // one row as itself, several as an array
    for (const auto &row : conflict.met) met += (met.empty() ? "" : ",") + row.shown;
    if (conflict.met.size() > 1) met = "[" + met + "]";
    const auto given = [](const std::string &text) { return text.empty() ? pg::Parameter{} : pg::Parameter{text}; };
    const auto *writer = conflict.met.empty() ? nullptr : &conflict.met.front();
    // What stopped the task and goes another way now, by a decision or a changed policy, is one conflict.
    session_.query(
        "INSERT INTO walbridge.conflict AS c (task, kind, policy, outcome, schema_name, table_name, commit_lsn, "
        "change, commit_time, constraint_name, key, source_row, target_row, operation, source_origin, target_origin, "
        "target_commit_time) VALUES ($1, $2, $3, $4, $5, $6, $7::pg_lsn, $8::bigint, timestamptz '2000-01-01 "
        "00:00:00+00' + $9::bigint * interval '1 microsecond', $10, $11::jsonb, $12::jsonb, $13::jsonb, $14, $15, $16, "
        "timestamptz '2000-01-01 00:00:00+00' + $17::bigint * interval '1 microsecond') ON CONFLICT (task, commit_lsn, "
        "change, kind) DO UPDATE SET policy = excluded.policy, outcome = excluded.outcome, target_row = "
        "excluded.target_row, target_origin = excluded.target_origin, target_commit_time = "
        "excluded.target_commit_time WHERE c.outcome = 'stopped'",
        {config_.name, conflict.kind, conflict.policy, conflict.outcome, conflict.table.schema, conflict.table.name,
         to_string(conflict.commit_lsn), std::to_string(conflict.change), std::to_string(conflict.commit_time),
         given(conflict.constraint), conflict.key.empty() ? "{}" : conflict.key,
         conflict.source_row.empty() ? "{}" : conflict.source_row, given(met), given(conflict.operation),
         conflict.source_origin, writer == nullptr ? std::nullopt : writer->origin,
         writer != nullptr && writer->commit_time ? pg::Parameter{std::to_string(*writer->commit_time)}
                                                  : pg::Parameter{}});
}

void PostgresApplySession::announce_outdated(const TablePlan &plan, const std::string &key, SourceTime time) {
    nlohmann::json announcement{{"task", config_.name},
                                {"schema", plan.table.name.schema},
                                {"table", plan.table.name.name},
                                {"time", time},
                                {"key", nlohmann::json::parse(key)}};
    if (!announcer_)
        announcer_.emplace(
            config_.target.endpoint,
            pg::ConnectOptions{config_.application_name("announce"),
                               false,
                               {{"synchronous_commit", config_.apply.synchronous_commit ? "on" : "off"}}});
    // A transaction of its own, of the target's own: the plugin leaves those of our origin out of the way back.
    announcer_->query("SELECT pg_catalog.pg_logical_emit_message(true, $1, $2)",
                      {std::string(outdated_prefix), announcement.dump()});
}

std::optional<MetRow> PostgresApplySession::delete_outdated(const std::string &announcement) {
    const auto json = nlohmann::json::parse(announcement);
    const auto name = config_.names.table({json.at("schema").get<std::string>(), json.at("table").get<std::string>()});
    const auto table = describe(name);
    if (!table) return std::nullopt;
    std::string condition;
    Bindings bindings;
    int number = 0;
    for (const auto &[column, value] : json.at("key").items()) {
        const auto found = std::ranges::find(table->columns, column, &TargetColumn::name);
        if (found == table->columns.end() || value.is_null()) return std::nullopt;
        condition += fmt::format("{}t.{} = ${}::pg_catalog.text::{}", condition.empty() ? "" : " AND ",
                                 quote_identifier(column), ++number, statements::type_of(*found));
        bindings.add_text(value.is_string() ? value.get<std::string>() : value.dump());
    }
    if (condition.empty()) return std::nullopt;
    pipeline_.begin_now();
    bindings.add_text(std::to_string(json.at("time").get<SourceTime>()));
    // At the very same time it depends on who wrote the row: the source, whose tie it is, or the target itself.
    const auto time = fmt::format(
        "timestamptz '2000-01-01 00:00:00+00' + ${}::pg_catalog.text::bigint * interval '1 microsecond'", ++number);
    const auto tie =
        config_.conflict.tie == "target" && !our_origins_.empty()
            ? fmt::format(" OR (w.timestamp = {} AND w.roident = ANY ('{{{}}}'::pg_catalog.oid[]))", time, our_origins_)
            : std::string();
    const auto sql = fmt::format(
        "WITH gone AS (DELETE FROM {}{} AS t WHERE {} AND (SELECT COALESCE(w.timestamp, '-infinity') < {}{} FROM "
        "pg_catalog.pg_xact_commit_timestamp_origin(t.xmin) AS w) RETURNING pg_catalog.to_json(t.*)::text AS shown, "
        "NULL "
        "AS key, t.xmin AS writer) {}",
        table->kind == 'p' ? "" : "ONLY ", quote(name), condition, time, tie, met("SELECT * FROM gone"));
    if (!table->acting_owner.empty()) role_.enter_owner(table->acting_owner);
    const auto result = pipeline_.run(sql, bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) session_.raise(result.raw(), sql);
    if (!table->acting_owner.empty()) role_.leave_owner();
    auto rows = read_met(result);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
}

} // namespace walbridge::target
