// apply_session_exact.cpp: one change, one statement, one answer. What the exact path asks about rows in the way stands
// in apply_session_conflicts.cpp.
#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "target/mysql/apply_session.hpp"
#include "target/mysql/values.hpp"
#include "target/row_change.hpp"

#include <fmt/format.h>

namespace walbridge::target {
namespace {

std::vector<Value> planned(const TablePlan &plan, Tuple tuple) {
    std::vector<Value> row;
    row.reserve(plan.columns.size());
    for (const auto &column : plan.columns) row.push_back(tuple[column.source]);
    return row;
}

} // namespace

std::string MysqlApplySession::change_sql(const TablePlan &plan, const RowChange &change) const {
    if (change.operation == RowOperation::insert) return mysql::insert_row(plan, planned(plan, change.new_row));
    const auto old_row = planned(plan, lookup_tuple(change));
    if (change.operation == RowOperation::remove) return mysql::delete_row(plan, old_row);
    return mysql::update_row(plan, set_columns(plan, change), old_row, planned(plan, change.new_row));
}

/// For errors: the table and the key of the changed row.
std::string MysqlApplySession::row_name(const TablePlan &plan, const RowChange &change) {
    const auto row = planned(plan, change.operation == RowOperation::insert ? change.new_row : lookup_tuple(change));
    return mysql::row_for_people(plan, row);
}

RowOutcome MysqlApplySession::apply(const TablePlan &plan, const RowChange &change, bool) {
    RowOutcome outcome;
    const auto sql = change_sql(plan, change);
    settle();
    batch_.check_length(sql, row_name(plan, change));
    try {
        outcome.affected = session_.execute(sql).affected;
        return outcome;
    } catch (const SqlError &error) {
        if (error.sqlstate() != "23505") {
            if (error.recovery() != Recovery::stop) throw;
            throw SqlError(error.kind(), "target " + object_of(plan), error.fields(), error.remedy());
        }
        outcome.violation = true; // the server has taken the statement back, and it alone
        outcome.constraint = error.fields().constraint;
        // MySQL 8.0.19 and newer put the table before the key.
        if (const auto prefix = plan.table.name.name + "."; outcome.constraint.starts_with(prefix))
            outcome.constraint.erase(0, prefix.size());
        outcome.message = error.reason();
    }
    return outcome;
}

std::optional<MetRow> MysqlApplySession::row_found(const TablePlan &plan, const RowChange &change) {
    auto rows = read_met(plan, mysql::where_row(plan, planned(plan, lookup_tuple(change))));
    if (rows.empty()) return std::nullopt;
    return std::move(rows.front());
}

std::optional<std::string> MysqlApplySession::violated_unenforced(const TablePlan &, Row) { return std::nullopt; }

void MysqlApplySession::truncate(const std::vector<const TablePlan *> &plans, bool) {
    settle();
    for (const auto *plan : plans)
        session_.execute(fmt::format("DELETE FROM {}", dialect::mysql::quote(plan->table.name)));
}

void MysqlApplySession::delete_range(const TablePlan &plan, const std::string &column,
                                     const std::optional<std::string> &low, const std::optional<std::string> &high) {
    settle();
    const auto name = dialect::mysql::quote_identifier(column);
    auto sql = fmt::format("DELETE FROM {} WHERE TRUE", dialect::mysql::quote(plan.table.name));
    if (low) sql += fmt::format(" AND {} >= {}", name, std::stoll(*low));
    if (high) sql += fmt::format(" AND {} < {}", name, std::stoll(*high));
    session_.execute(sql);
}

} // namespace walbridge::target
