// apply_session_exact.cpp: one change, one statement, one answer; and what the exact path asks about conflicting rows.
#include "target/postgres/apply_session.hpp"

#include "dialect/postgres.hpp"
#include "target/postgres/row_bindings.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

/// Rows shown in conflict records keep values up to this size; longer ones are named by their length.
constexpr std::size_t longest_shown_value = 4096;

const Value &value_of(const TablePlan &plan, Tuple tuple, std::uint32_t index) {
    return tuple[plan.columns[index].source];
}

/// The tuple whose values find the row.
Tuple lookup_tuple(const RowChange &change) {
    return change.old_kind == OldTuple::none ? change.new_row : change.old_row;
}

std::vector<bool> nulls_of(const TablePlan &plan, Tuple tuple) {
    std::vector<bool> nulls;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        nulls.push_back(value_of(plan, tuple, index).kind == ValueKind::null);
    return nulls;
}

/// The columns an UPDATE sets: those with a value that the change may have touched.
statements::ColumnList set_columns(const TablePlan &plan, const RowChange &change) {
    statements::ColumnList set;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        const auto &value = value_of(plan, change.new_row, index);
        if (value.kind == ValueKind::unchanged) continue;
        const bool key_of_source = plan.relation->columns[plan.columns[index].source].key;
        if (change.old_kind == OldTuple::none && key_of_source) continue; // no old key was sent: it did not change
        const bool old_known = change.old_kind == OldTuple::full || (change.old_kind == OldTuple::key && key_of_source);
        if (old_known && value_of(plan, change.old_row, index) == value) continue;
        set.push_back(index);
    }
    return set;
}

bool sets_identity_always(const TablePlan &plan, const statements::ColumnList &set) {
    return std::any_of(set.begin(), set.end(),
                       [&](std::uint32_t index) { return plan.columns[index].target.identity_always; });
}

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

PostgresApplySession::RowStatement PostgresApplySession::row_statement(const TablePlan &plan,
                                                                       const RowChange &change) const {
    RowStatement row;
    if (change.operation == RowOperation::insert) {
        statements::ColumnList columns;
        for (std::uint32_t index = 0; index < plan.columns.size(); ++index) columns.push_back(index);
        row.sql = statements::insert_row(plan, columns);
        for (const auto index : columns)
            bind_value(row.bindings, plan.columns[index], value_of(plan, change.new_row, index));
        return row;
    }
    const auto lookup = lookup_tuple(change);
    const auto nulls = nulls_of(plan, lookup);
    if (change.operation == RowOperation::update) {
        const auto set = set_columns(plan, change);
        row.sql = sets_identity_always(plan, set) ? statements::replace_row(plan, set, nulls)
                                                  : statements::update_row(plan, set, nulls);
        for (const auto index : set)
            bind_value(row.bindings, plan.columns[index], value_of(plan, change.new_row, index));
    } else {
        row.sql = statements::delete_row(plan, nulls);
    }
    for (const auto index : statements::lookup_columns(plan, nulls))
        bind_value(row.bindings, plan.columns[index], value_of(plan, lookup, index));
    return row;
}

pg::Result PostgresApplySession::run_as_owner(const TablePlan &plan, const std::string &sql, const Bindings &bindings) {
    if (plan.table.acting_owner.empty()) return pipeline_.run(sql, bindings);
    pipeline_.begin_now();
    const bool alone = !session_.in_transaction();
    if (alone) session_.execute("BEGIN");
    try {
        if (plan.table.firing_triggers) session_.execute("SET CONSTRAINTS ALL IMMEDIATE");
        role_.enter_owner(plan.table.acting_owner);
        auto result = pipeline_.run(sql, bindings);
        // After an error the server has taken the role back with the (sub)transaction.
        if (PQtransactionStatus(session_.raw()) == PQTRANS_INTRANS) role_.leave_owner();
        if (alone) session_.rollback_quietly();
        return result;
    } catch (...) {
        if (alone) session_.rollback_quietly();
        throw;
    }
}

RowOutcome PostgresApplySession::apply(const TablePlan &plan, const RowChange &change, bool guarded) {
    pipeline_.begin_now();
    const auto row = row_statement(plan, change);
    if (guarded) session_.execute("SAVEPOINT walbridge_row");
    const auto result = run_as_owner(plan, row.sql, row.bindings);
    const auto status = PQresultStatus(result.raw());
    RowOutcome outcome;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        outcome.affected = result.affected();
        if (guarded) session_.execute("RELEASE SAVEPOINT walbridge_row");
        return outcome;
    }
    try {
        session_.raise(result.raw(), row.sql);
    } catch (const SqlError &error) {
        if (error.sqlstate() != "23505" && error.sqlstate() != "23P01") {
            if (error.recovery() != Recovery::stop) throw;
            throw SqlError(error.kind(), "target " + object_of(plan), error.fields(), error.remedy());
        }
        outcome.violation = true;
        outcome.constraint = error.fields().constraint;
        outcome.message = error.reason();
    }
    if (guarded) session_.execute("ROLLBACK TO SAVEPOINT walbridge_row; RELEASE SAVEPOINT walbridge_row");
    return outcome;
}

long long PostgresApplySession::delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) {
    auto condition = unique_key_condition(plan, row);
    if (condition.sql.empty()) return 0;
    if (except_key != nullptr) leave_out(plan, *except_key, condition);
    const auto sql = fmt::format("DELETE FROM {} WHERE {}", statements::relation_of(plan), condition.sql);
    const auto result = run_as_owner(plan, sql, condition.bindings);
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) session_.raise(result.raw(), sql);
    return result.affected();
}

RowText PostgresApplySession::fetch_conflicting(const TablePlan &plan, Row row, const Row *key) {
    KeyCondition condition;
    if (key != nullptr) {
        TargetKey lookup;
        for (const auto index : plan.key) {
            lookup.columns.push_back(plan.columns[index].target.name);
            lookup.operators.push_back(plan.columns[index].equality);
        }
        add_key(plan, lookup, *key, condition);
    } else {
        condition = unique_key_condition(plan, row);
    }
    if (condition.sql.empty()) return std::nullopt;
    const auto sql = fmt::format(
        "SELECT CASE WHEN pg_catalog.length(shown) <= 65536 THEN shown ELSE pg_catalog.json_build_object('bytes', "
        "pg_catalog.length(shown), 'md5', pg_catalog.md5(shown))::text END FROM (SELECT pg_catalog.to_json(t)::text AS "
        "shown "
        "FROM {} AS t WHERE {} LIMIT 1) AS found",
        statements::relation_of(plan), condition.sql);
    const auto result = run_as_owner(plan, sql, condition.bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK || result.rows() == 0) return std::nullopt;
    return result.text(0, 0);
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
    const auto sql = fmt::format("SELECT pg_catalog.to_json(r)::text FROM (SELECT {}) AS r", columns);
    const auto result = run_as_owner(plan, sql, bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) return "{}";
    return result.text(0, 0);
}

std::optional<std::string> PostgresApplySession::violated_unenforced(const TablePlan &plan, Row row) {
    for (const auto &constraint : plan.table.unenforced) {
        std::string condition;
        Bindings bindings;
        std::size_t number = 0;
        bool comparable = true;
        for (std::size_t position = 0; position < constraint.columns.size() && comparable; ++position) {
            const auto index = find_column(plan, constraint.columns[position]);
            comparable = index && row[*index].present(); // a null never violates
            if (!comparable) break;
            condition += condition.empty() ? "" : " AND ";
            condition +=
                fmt::format("{} {} {}", quote_identifier(constraint.columns[position]), constraint.operators[position],
                            statements::typed_parameter(plan.columns[*index], ++number));
            bind_value(bindings, plan.columns[*index], row[*index]);
        }
        if (!comparable) continue;
        const auto sql =
            fmt::format("SELECT pg_catalog.count(*) FROM {} WHERE {}", statements::relation_of(plan), condition);
        const auto result = run_as_owner(plan, sql, bindings);
        if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) session_.raise(result.raw(), sql);
        if (result.number(0, 0) > 1) return constraint.name;
    }
    return std::nullopt;
}

void PostgresApplySession::truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) {
    pipeline_.begin_now();
    for (const auto &truncate : statements::truncate(plans, restart_identity)) {
        if (!truncate.acting_owner.empty()) role_.enter_owner(truncate.acting_owner);
        session_.execute(truncate.sql);
        if (!truncate.acting_owner.empty()) role_.leave_owner();
    }
}

void PostgresApplySession::delete_range(const TablePlan &plan, const std::string &column,
                                        const std::optional<std::string> &low, const std::optional<std::string> &high) {
    pipeline_.begin_now();
    std::string sql = fmt::format("DELETE FROM {} WHERE true", statements::relation_of(plan));
    if (low) sql += fmt::format(" AND {} >= {}", quote_identifier(column), dialect::postgres::quote_literal(*low));
    if (high) sql += fmt::format(" AND {} < {}", quote_identifier(column), dialect::postgres::quote_literal(*high));
    if (!plan.table.acting_owner.empty()) role_.enter_owner(plan.table.acting_owner);
    session_.execute(sql);
    if (!plan.table.acting_owner.empty()) role_.leave_owner();
}

void PostgresApplySession::record_conflict(const ConflictRecord &conflict) {
    pipeline_.begin_now();
    session_.query(
        "INSERT INTO walbridge.conflict (task, kind, policy, outcome, schema_name, table_name, commit_lsn, change, "
        "commit_time, "
        "constraint_name, key, source_row, target_row) VALUES ($1, $2, $3, $4, $5, $6, $7::pg_lsn, $8::bigint, "
        "timestamptz '2000-01-01 00:00:00+00' + $9::bigint * interval '1 microsecond', $10, $11::jsonb, $12::jsonb, "
        "$13::jsonb) "
        "ON CONFLICT (task, commit_lsn, change, kind) DO NOTHING",
        {config_.name, conflict.kind, conflict.policy, conflict.outcome, conflict.table.schema, conflict.table.name,
         to_string(conflict.commit_lsn), std::to_string(conflict.change), std::to_string(conflict.commit_time),
         conflict.constraint.empty() ? pg::Parameter{} : pg::Parameter{conflict.constraint},
         conflict.key.empty() ? "{}" : conflict.key, conflict.source_row.empty() ? "{}" : conflict.source_row,
         conflict.target_row});
}

} // namespace walbridge::target
