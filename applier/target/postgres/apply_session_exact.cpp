// apply_session_exact.cpp: one change, one statement, one answer. What the exact path asks about rows in the way stands
// in apply_session_conflicts.cpp.
#include "target/postgres/apply_session.hpp"

#include "dialect/postgres.hpp"
#include "target/postgres/row_bindings.hpp"
#include "target/row_change.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

const Value &value_of(const TablePlan &plan, Tuple tuple, std::uint32_t index) {
    return tuple[plan.columns[index].source];
}

std::vector<bool> nulls_of(const TablePlan &plan, Tuple tuple) {
    std::vector<bool> nulls;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        nulls.push_back(value_of(plan, tuple, index).kind == ValueKind::null);
    return nulls;
}

bool sets_identity_always(const TablePlan &plan, const statements::ColumnList &set) {
    return std::any_of(set.begin(), set.end(),
                       [&](std::uint32_t index) { return plan.columns[index].target.identity_always; });
}

} // namespace

PostgresApplySession::RowStatement PostgresApplySession::row_statement(const TablePlan &plan, const RowChange &change,
                                                                       const std::string &also) const {
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
        row.sql = sets_identity_always(plan, set) ? statements::replace_row(plan, set, nulls, also)
                                                  : statements::update_row(plan, set, nulls, also);
        for (const auto index : set)
            bind_value(row.bindings, plan.columns[index], value_of(plan, change.new_row, index));
    } else {
        row.sql = statements::delete_row(plan, nulls, also);
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

std::optional<MetRow> PostgresApplySession::row_found(const TablePlan &plan, const RowChange &change) {
    pipeline_.begin_now();
    const auto lookup = lookup_tuple(change);
    const auto nulls = nulls_of(plan, lookup);
    Bindings bindings;
    for (const auto index : statements::lookup_columns(plan, nulls))
        bind_value(bindings, plan.columns[index], value_of(plan, lookup, index));
    const auto sql = met(statements::find_row(plan, statements::met_row(plan), nulls));
    const auto result = run_as_owner(plan, sql, bindings);
    if (PQresultStatus(result.raw()) != PGRES_TUPLES_OK) session_.raise(result.raw(), sql);
    auto rows = read_met(result);
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
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

} // namespace walbridge::target
