// apply_session_conflicts.cpp: what the exact path asks about rows that a change meets, and what is written down of it.
#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "target/mysql/apply_session.hpp"
#include "target/mysql/progress.hpp"
#include "target/mysql/row_json.hpp"
#include "target/mysql/values.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace walbridge::target {
namespace {

using dialect::mysql::quote;

/// Rows in the way that one record names.
constexpr std::size_t most_rows_met = 20;

/// What finds the row that holds the row's values in one unique key; empty where it cannot hold any: nulls never
/// collide, and a value that did not travel did not change.
std::string holder_of(const TablePlan &plan, const TargetKey &key, Row row) {
    if (!key.usable) return {};
    std::string condition;
    for (const auto &column : key.columns) {
        const auto index = find_column(plan, column);
        if (!index || !row[*index].present()) return {};
        if (!condition.empty()) condition += " AND ";
        mysql::append_equals(condition, plan, *index, row);
    }
    return condition;
}

/// One condition per unique key: together they would be a scan of the table.
std::vector<std::string> holders_of(const TablePlan &plan, Row row, const Row *except_key) {
    std::vector<std::string> conditions;
    const auto except = except_key == nullptr ? std::string() : mysql::key_condition(plan, *except_key);
    for (const auto &key : plan.table.keys) {
        auto condition = holder_of(plan, key, row);
        if (condition.empty()) continue;
        if (!except.empty()) condition = fmt::format("({}) AND NOT ({})", condition, except);
        conditions.push_back(std::move(condition));
    }
    return conditions;
}

std::string text_or_null(const std::optional<std::string> &text) {
    return text ? my::quote_literal(*text) : std::string("NULL");
}

std::string given(const std::string &text) { return text.empty() ? std::string("NULL") : my::quote_literal(text); }

} // namespace

long long MysqlApplySession::delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) {
    settle();
    long long deleted = 0;
    for (const auto &condition : holders_of(plan, row, except_key))
        deleted += session_.execute(fmt::format("DELETE FROM {} WHERE {}", quote(plan.table.name), condition)).affected;
    return deleted;
}

std::vector<MetRow> MysqlApplySession::read_met(const TablePlan &plan, const std::string &condition) {
    settle();
    const auto rows = session_.query(fmt::format("SELECT {} FROM {} WHERE {} FOR UPDATE", mysql::shown_columns(plan),
                                                 quote(plan.table.name), condition));
    std::vector<MetRow> list;
    for (int row = 0; row < rows.rows(); ++row) {
        auto met = mysql::met_row(plan, rows, row);
        if (met.shown.size() > mysql::longest_shown_row)
            met.shown =
                fmt::format(R"({{"bytes": {}, "sha256": "{}"}})", met.shown.size(),
                            session_.value("SELECT SHA2(" + my::quote_literal(met.shown) + ", 256)").value_or(""));
        list.push_back(std::move(met));
    }
    return list;
}

std::vector<MetRow> MysqlApplySession::rows_in_the_way(const TablePlan &plan, Row row, const Row *except_key) {
    std::vector<MetRow> list;
    std::set<std::string> seen; // a row may stand in the way by several keys; no two rows look alike
    for (const auto &condition : holders_of(plan, row, except_key))
        for (auto &met : read_met(plan, condition))
            if (list.size() < most_rows_met && seen.insert(met.shown).second) list.push_back(std::move(met));
    return list;
}

std::string MysqlApplySession::row_as_json(const TablePlan &plan, Row row) { return mysql::row_json(plan, row); }

std::vector<ConflictDecision> MysqlApplySession::decisions() {
    const auto rows = session_.query(
        fmt::format("SELECT commit_lsn, `change`, decision = 'overwrite' FROM walbridge.conflict WHERE task = {} AND "
                    "outcome = 'stopped' AND decision IN ('skip', 'overwrite')",
                    my::quote_literal(config_.name)));
    std::vector<ConflictDecision> list;
    for (int row = 0; row < rows.rows(); ++row)
        list.push_back(
            {parse_lsn(rows.get(row, 0)).value(), static_cast<std::uint64_t>(rows.number(row, 1)), rows.flag(row, 2)});
    return list;
}

void MysqlApplySession::record_conflict(const ConflictRecord &conflict) {
    settle();
    std::string met; // one row as itself, several as an array
    for (const auto &row : conflict.met) met += (met.empty() ? "" : ",") + row.shown;
    if (conflict.met.size() > 1) met = "[" + met + "]";
    const auto *writer = conflict.met.empty() ? nullptr : &conflict.met.front();
    const auto sql = fmt::format(
        "INSERT INTO walbridge.conflict (task, kind, policy, outcome, schema_name, table_name, commit_lsn, `change`, "
        "commit_time, constraint_name, `key`, source_row, target_row, operation, source_origin, target_origin, "
        "target_commit_time) VALUES ({}, {}, {}, {}, {}, {}, '{}', {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) "
        // What stopped the task and goes another way now, by a decision or a changed policy, is one conflict. The
        // outcome comes last: assignments see what those before them have set.
        "ON DUPLICATE KEY UPDATE policy = IF(outcome = 'stopped', VALUES(policy), policy), "
        "target_row = IF(outcome = 'stopped', VALUES(target_row), target_row), "
        "target_origin = IF(outcome = 'stopped', VALUES(target_origin), target_origin), "
        "target_commit_time = IF(outcome = 'stopped', VALUES(target_commit_time), target_commit_time), "
        "outcome = IF(outcome = 'stopped', VALUES(outcome), outcome)",
        my::quote_literal(config_.name), my::quote_literal(conflict.kind), my::quote_literal(conflict.policy),
        my::quote_literal(conflict.outcome), my::quote_literal(conflict.table.schema),
        my::quote_literal(conflict.table.name), to_string(conflict.commit_lsn), conflict.change,
        mysql::time_sql(conflict.commit_time), given(conflict.constraint),
        my::quote_literal(conflict.key.empty() ? "{}" : conflict.key),
        my::quote_literal(conflict.source_row.empty() ? "{}" : conflict.source_row), given(met),
        given(conflict.operation), my::quote_literal(conflict.source_origin),
        text_or_null(writer == nullptr ? std::nullopt : writer->origin),
        writer != nullptr && writer->commit_time ? mysql::time_sql(*writer->commit_time) : std::string("NULL"));
    session_.execute(sql);
}

void MysqlApplySession::announce_outdated(const TablePlan &plan, const std::string &, SourceTime) {
    throw Error(ErrorKind::internal, object_of(plan), "commit times decide nothing on a MySQL target");
}

std::optional<MetRow> MysqlApplySession::delete_outdated(const std::string &) { return std::nullopt; }

} // namespace walbridge::target
