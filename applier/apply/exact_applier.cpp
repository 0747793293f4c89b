// exact_applier.cpp: conflict detection and resolution, row by row.
#include "apply/exact_applier.hpp"

#include "base/error.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::apply {
namespace {

using target::Row;
using target::RowOutcome;
using target::TablePlan;

std::vector<Value> planned(const TablePlan &plan, Tuple tuple) {
    std::vector<Value> row;
    if (tuple.empty()) return row;
    for (const auto &column : plan.columns) row.push_back(tuple[column.source]);
    return row;
}

/// The old row's values under an update's unchanged ones, as far as they travelled.
std::vector<Value> whole_new_row(const TablePlan &plan, const RowChange &change) {
    auto row = planned(plan, change.new_row);
    for (std::size_t index = 0; index < row.size(); ++index)
        if (row[index].kind == ValueKind::unchanged && change.old_kind == OldTuple::full)
            row[index] = change.old_row[plan.columns[index].source];
    return row;
}

Tuple lookup_tuple(const RowChange &change) {
    return change.operation == RowOperation::insert || change.old_kind == OldTuple::none ? change.new_row
                                                                                         : change.old_row;
}

/// The lookup key as a row whose other columns did not travel.
std::vector<Value> key_row(const TablePlan &plan, const RowChange &change) {
    auto row = planned(plan, lookup_tuple(change));
    if (plan.lookup == target::Lookup::full_row) return row;
    for (std::size_t index = 0; index < row.size(); ++index)
        if (!plan.columns[index].key) row[index] = {ValueKind::unchanged, {}};
    return row;
}

std::string_view verb(RowOperation operation) {
    switch (operation) {
    case RowOperation::insert: return "INSERT";
    case RowOperation::update: return "UPDATE";
    case RowOperation::remove: return "DELETE";
    }
    return "";
}

} // namespace

void ExactApplier::apply(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    if (change.operation != RowOperation::insert && plan.lookup == target::Lookup::none)
        throw Error(ErrorKind::unidentified, target::object_of(plan),
                    fmt::format("{} at {}: the row cannot be identified on the target", verb(change.operation),
                                to_string(place.commit_lsn)),
                    fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL;",
                                dialect::postgres::quote(change.relation->name)));
    const bool guarded = config_.conflict.policy != ConflictPolicy::fail;
    const auto outcome = session_.apply(plan, change, guarded);
    if (outcome.violation)
        return resolve(plan, change, place,
                       change.operation == RowOperation::insert ? ConflictKind::insert_exists
                                                                : ConflictKind::update_exists,
                       outcome);
    if (outcome.affected == 0 && change.operation == RowOperation::update)
        return resolve(plan, change, place, ConflictKind::update_missing, outcome);
    if (outcome.affected == 0 && change.operation == RowOperation::remove)
        return resolve(plan, change, place, ConflictKind::delete_missing, outcome);
    if (outcome.affected != 1)
        throw Error(
            ErrorKind::target_shape, target::object_of(plan),
            fmt::format("{} at {} hit {} rows of the target instead of one", verb(change.operation),
                        to_string(place.commit_lsn), outcome.affected),
            "A trigger, a rule or a policy on the target interferes: disable it for replica sessions and resume.");
    if (change.operation != RowOperation::remove) note(plan, change);
}

void ExactApplier::resolve(const TablePlan &plan, const RowChange &change, const ChangePlace &place, ConflictKind kind,
                           const RowOutcome &outcome) {
    ++conflicts_;
    switch (decide(config_.conflict, change.relation->name, kind, place.commit_time)) {
    case Resolution::stop: stop(plan, change, place, kind, outcome.constraint, outcome.message);
    case Resolution::keep_target: return record(plan, change, place, kind, "kept target", outcome.constraint);
    case Resolution::overwrite:
        record(plan, change, place, kind, "overwrote target", outcome.constraint);
        return overwrite(plan, change, place);
    case Resolution::convert_to_insert:
        record(plan, change, place, kind, "converted to insert", outcome.constraint);
        return insert_instead(plan, change, place);
    }
}

void ExactApplier::insert_instead(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    // Values by source column, so that the insert is an ordinary row change and is judged like one.
    std::vector<Value> row(change.new_row.begin(), change.new_row.end());
    for (std::size_t index = 0; index < row.size(); ++index) {
        if (row[index].kind != ValueKind::unchanged) continue;
        if (change.old_kind == OldTuple::full)
            row[index] = change.old_row[index];
        else
            stop(plan, change, place, ConflictKind::update_missing, {},
                 fmt::format("the target lacks the row, and column {} did not travel because it did not change",
                             change.relation->columns[index].name));
    }
    RowChange insert;
    insert.relation = change.relation;
    insert.operation = RowOperation::insert;
    insert.new_row = row;
    apply(plan, insert, place);
}

void ExactApplier::overwrite(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    const auto row = whole_new_row(plan, change);
    const auto key = key_row(plan, change);
    const Row key_span(key);
    session_.delete_conflicting(plan, row, change.operation == RowOperation::update ? &key_span : nullptr);
    const auto outcome = session_.apply(plan, change, true);
    if (outcome.violation)
        stop(plan, change, place,
             change.operation == RowOperation::insert ? ConflictKind::insert_exists : ConflictKind::update_exists,
             outcome.constraint, "the conflicting row could not be found by its unique keys (" + outcome.message + ")");
    // A row that is found by all of its columns may itself have held one of the new values: it comes back whole.
    if (outcome.affected == 0 && change.operation == RowOperation::update) return insert_instead(plan, change, place);
    note(plan, change);
}

void ExactApplier::stop(const TablePlan &plan, const RowChange &change, const ChangePlace &place, ConflictKind kind,
                        const std::string &constraint, const std::string &reason) {
    session_.rollback();
    noted_.clear();
    const auto row = whole_new_row(plan, change);
    const auto key = key_row(plan, change);
    const Row key_span(key);
    target::ConflictRecord conflict{std::string(name_of(kind)),
                                    std::string(name_of(config_.conflict.policy)),
                                    "stopped",
                                    plan.table.name,
                                    place.commit_lsn,
                                    place.number,
                                    place.commit_time,
                                    constraint,
                                    session_.row_as_json(plan, key),
                                    row.empty() ? std::string() : session_.row_as_json(plan, row),
                                    row.empty() ? std::nullopt : session_.fetch_conflicting(plan, row, nullptr)};
    session_.record_conflict(conflict);
    std::string text = fmt::format("{}: {} of change {} in the transaction at {}", name_of(kind),
                                   verb(change.operation), place.number, to_string(place.commit_lsn));
    if (!reason.empty()) text += ": " + reason;
    text += "; key " + conflict.key;
    if (!conflict.source_row.empty()) text += "; source row " + conflict.source_row;
    if (conflict.target_row) text += "; target row " + *conflict.target_row;
    throw Error(ErrorKind::conflict, target::object_of(plan), text,
                "Nothing of the transaction was applied. Mend the target's row (or choose a conflict.policy) and start "
                "the task again; "
                "the record stands in walbridge.conflict on the target.");
}

void ExactApplier::record(const TablePlan &plan, const RowChange &change, const ChangePlace &place, ConflictKind kind,
                          const std::string &outcome, const std::string &constraint) {
    const auto row = whole_new_row(plan, change);
    const auto key = key_row(plan, change);
    session_.record_conflict({std::string(name_of(kind)), std::string(name_of(config_.conflict.policy)), outcome,
                              plan.table.name, place.commit_lsn, place.number, place.commit_time, constraint,
                              session_.row_as_json(plan, key),
                              row.empty() ? std::string() : session_.row_as_json(plan, row),
                              row.empty() ? std::nullopt : session_.fetch_conflicting(plan, row, nullptr)});
}

void ExactApplier::note(const TablePlan &plan, const RowChange &change) {
    if (plan.table.unenforced.empty()) return;
    NotedRow noted{&plan, planned(plan, change.new_row), {}};
    std::size_t bytes = 0;
    for (const auto &value : noted.values) bytes += value.bytes.size();
    noted.bytes.reserve(bytes);
    for (const auto &value : noted.values) noted.bytes.append(value.bytes);
    noted_.push_back(std::move(noted));
}

void ExactApplier::check_net_state(const ChangePlace &place) {
    for (auto &noted : noted_) {
        std::size_t at = 0; // a short string moves with its object: only now the views can point at the kept bytes
        for (auto &value : noted.values) {
            value.bytes = std::string_view(noted.bytes.data() + at, value.bytes.size());
            at += value.bytes.size();
        }
        const auto constraint = session_.violated_unenforced(*noted.plan, noted.values);
        if (!constraint) continue;
        const auto row = session_.row_as_json(*noted.plan, noted.values);
        session_.rollback();
        const auto table = target::object_of(*noted.plan);
        noted_.clear();
        ++conflicts_;
        throw Error(
            ErrorKind::conflict, table,
            fmt::format("constraint {} would be violated after the transaction at {}: row {} is there twice",
                        *constraint, to_string(place.commit_lsn), row),
            "Nothing of the transaction was applied. Remove the other row on the target and start the task again.");
    }
    noted_.clear();
}

} // namespace walbridge::apply
