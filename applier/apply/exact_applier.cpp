// exact_applier.cpp: conflict detection and resolution, row by row.
#include "apply/exact_applier.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
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

/// Whether the change gives the row another key.
bool moves_key(const TablePlan &plan, const RowChange &change) {
    if (change.operation != RowOperation::update || change.old_kind == OldTuple::none) return false;
    return std::ranges::any_of(plan.key, [&](std::uint32_t index) {
        const auto source = plan.columns[index].source;
        return change.new_row[source].kind != ValueKind::unchanged &&
               !(change.new_row[source] == change.old_row[source]);
    });
}

/// Exclusion constraints and keys over expressions never show their rows: then it is left at that.
constexpr int looks_at_rows = 3;

bool any_policy_goes_on(const TaskConfig::Conflict &settings) {
    const auto goes_on = [](const auto &entry) { return entry.second != ConflictPolicy::fail; };
    return settings.policy != ConflictPolicy::fail || std::ranges::any_of(settings.by_kind, goes_on) ||
           std::ranges::any_of(settings.by_table, goes_on);
}

} // namespace

ExactApplier::ExactApplier(const TaskConfig &config, target::TargetSession &session)
    : config_(config), session_(session), decisions_(session.decisions()) {}

bool ExactApplier::guarded() const { return !decisions_.empty() || any_policy_goes_on(config_.conflict); }

void ExactApplier::apply(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    if (change.operation != RowOperation::insert && plan.lookup == target::Lookup::none)
        throw Error(ErrorKind::unidentified, target::object_of(plan),
                    fmt::format("{} at {}: the row cannot be identified on the target", verb(change.operation),
                                to_string(place.commit_lsn)),
                    fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL;",
                                dialect::postgres::quote(change.relation->name)));
    if (change.operation != RowOperation::insert && session_.detects_origins()) {
        // Locked, or not there: a row that somebody inserts from now on is met by the insert and judged by it.
        auto found = session_.row_found(plan, change);
        if (!found) return meet_nothing(plan, change, place);
        if (!found->own && !judge_writer(plan, change, place, std::move(*found))) return;
    }
    auto outcome = session_.apply(plan, change, guarded());
    if (outcome.violation) {
        // Under `fail` nothing can be asked before the transaction is rolled back.
        auto rows = guarded() ? rows_in_the_way(plan, change) : std::vector<target::MetRow>();
        // What was in the way may be gone, or be another row by now: only a row that is locked can be judged.
        for (int attempt = 0; guarded() && outcome.violation && rows.empty() && attempt < looks_at_rows; ++attempt) {
            outcome = session_.apply(plan, change, true);
            if (outcome.violation) rows = rows_in_the_way(plan, change);
        }
        if (outcome.violation) return meet_rows(plan, change, place, outcome, std::move(rows));
    }
    if (outcome.affected == 0 && change.operation != RowOperation::insert) return meet_nothing(plan, change, place);
    if (outcome.affected != 1)
        throw Error(
            ErrorKind::target_shape, target::object_of(plan),
            fmt::format("{} at {} hit {} rows of the target instead of one", verb(change.operation),
                        to_string(place.commit_lsn), outcome.affected),
            "A trigger, a rule or a policy on the target interferes: disable it for replica sessions and resume.");
    if (change.operation != RowOperation::remove) note(plan, change);
}

/// The target's rows that hold the change's new values in a unique key, locked; not the row it changes.
std::vector<target::MetRow> ExactApplier::rows_in_the_way(const TablePlan &plan, const RowChange &change) {
    const auto row = whole_new_row(plan, change);
    const auto key = key_row(plan, change);
    const Row key_span(key);
    return session_.rows_in_the_way(plan, row, change.operation == RowOperation::insert ? nullptr : &key_span);
}

/// An UPDATE or DELETE of a row that somebody else wrote last. False: the change is done with.
bool ExactApplier::judge_writer(const TablePlan &plan, const RowChange &change, const ChangePlace &place,
                                target::MetRow found) {
    Met met{change.operation == RowOperation::update ? ConflictKind::update_origin_differs
                                                     : ConflictKind::delete_origin_differs,
            {},
            {},
            fmt::format("the row was last written by {}",
                        found.origin && !found.origin->empty() ? "origin " + *found.origin : "the target itself")};
    met.rows.push_back(std::move(found));
    ++conflicts_;
    switch (decide_on(change, place, met)) {
    case Resolution::stop: stop(plan, change, place, met);
    case Resolution::keep_target:
        record(plan, change, place, met, name_of(Resolution::keep_target));
        // By time, a row is what its last writer made of it: the old key keeps its younger row, the new key is judged
        // as a row of its own.
        if (by_time(policy_of(config_.conflict, change.relation->name, met.kind)) && moves_key(plan, change))
            insert_instead(plan, change, place);
        return false;
    default:
        record(plan, change, place, met, name_of(Resolution::overwrite));
        announce(plan, change, place, met);
        return true;
    }
}

/// The row's new values stand in other rows.
void ExactApplier::meet_rows(const TablePlan &plan, const RowChange &change, const ChangePlace &place,
                             const RowOutcome &outcome, std::vector<target::MetRow> rows) {
    const auto kind = rows.size() > 1                            ? ConflictKind::multiple_unique_conflicts
                      : change.operation == RowOperation::insert ? ConflictKind::insert_exists
                                                                 : ConflictKind::update_exists;
    const Met met{kind, std::move(rows), outcome.constraint, outcome.message};
    ++conflicts_;
    switch (decide_on(change, place, met)) {
    case Resolution::stop: stop(plan, change, place, met);
    case Resolution::keep_target:
        record(plan, change, place, met, name_of(Resolution::keep_target));
        if (by_time(policy_of(config_.conflict, change.relation->name, met.kind))) lose(plan, change, place);
        return;
    default:
        record(plan, change, place, met, name_of(Resolution::overwrite));
        announce(plan, change, place, met);
        return overwrite(plan, change, place);
    }
}

/// By time, a row that moved to a key whose row is younger is gone from its old key nevertheless.
void ExactApplier::lose(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    if (!moves_key(plan, change)) return;
    RowChange gone = change;
    gone.operation = RowOperation::remove;
    gone.new_row = {};
    if (const auto outcome = session_.apply(plan, gone, guarded()); outcome.affected > 1)
        throw Error(
            ErrorKind::target_shape, target::object_of(plan),
            fmt::format("the old key of an UPDATE at {} names {} rows", to_string(place.commit_lsn), outcome.affected),
            "Give the table a primary key.");
}

/// An UPDATE or DELETE whose row is not there.
void ExactApplier::meet_nothing(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    const Met met{change.operation == RowOperation::update ? ConflictKind::update_missing
                                                           : ConflictKind::delete_missing,
                  {},
                  {},
                  {}};
    ++conflicts_;
    switch (decide_on(change, place, met)) {
    case Resolution::stop: stop(plan, change, place, met);
    case Resolution::convert_to_insert:
        record(plan, change, place, met, name_of(Resolution::convert_to_insert));
        return insert_instead(plan, change, place);
    default: return record(plan, change, place, met, name_of(Resolution::keep_target));
    }
}

const target::ConflictDecision *ExactApplier::decision_on(const ChangePlace &place) const {
    const auto found = std::ranges::find_if(decisions_, [&](const auto &decision) {
        return decision.commit_lsn == place.commit_lsn && decision.change == place.number;
    });
    return found == decisions_.end() ? nullptr : &*found;
}

/// What the settings say; where they would stop the task, what an operator decided about this very change.
Resolution ExactApplier::decide_on(const RowChange &change, const ChangePlace &place, const Met &met) const {
    std::vector<std::optional<SourceTime>> times;
    for (const auto &row : met.rows) times.push_back(row.commit_time);
    const auto resolution = decide(config_.conflict, change.relation->name, met.kind, place.commit_time, times);
    if (resolution != Resolution::stop) return resolution;
    const auto *decision = decision_on(place);
    if (decision == nullptr) return resolution;
    if (!decision->overwrite) return Resolution::keep_target;
    return met.kind == ConflictKind::update_missing ? Resolution::convert_to_insert : Resolution::overwrite;
}

void ExactApplier::insert_instead(const TablePlan &plan, const RowChange &change, const ChangePlace &place) {
    // Values by source column, so that the insert is an ordinary row change and is judged like one.
    std::vector<Value> row(change.new_row.begin(), change.new_row.end());
    for (std::size_t index = 0; index < row.size(); ++index) {
        if (row[index].kind != ValueKind::unchanged) continue;
        if (change.old_kind == OldTuple::full)
            row[index] = change.old_row[index];
        else
            stop(plan, change, place,
                 {ConflictKind::update_missing,
                  {},
                  {},
                  fmt::format("the target lacks the row, and column {} did not travel because it did not change",
                              change.relation->columns[index].name)});
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
             {change.operation == RowOperation::insert ? ConflictKind::insert_exists : ConflictKind::update_exists,
              {},
              outcome.constraint,
              "the conflicting row could not be found by its unique keys (" + outcome.message + ")"});
    // A row that is found by all of its columns may itself have held one of the new values: it comes back whole.
    if (outcome.affected == 0 && change.operation == RowOperation::update) return insert_instead(plan, change, place);
    note(plan, change);
}

/// Rows that gave way and were not ours are on their way back, or have been there: they would rise again where a later
/// deletion finds nothing.
void ExactApplier::announce(const TablePlan &plan, const RowChange &change, const ChangePlace &place, const Met &met) {
    if (policy_of(config_.conflict, change.relation->name, met.kind) != ConflictPolicy::last_update_wins) return;
    if (plan.lookup != target::Lookup::unique_key) return;
    for (const auto &row : met.rows)
        if (!row.own && !row.key.empty()) session_.announce_outdated(plan, row.key, place.commit_time);
}

void ExactApplier::apply_announced(std::string_view announcement, const ChangePlace &place) {
    if (!config_.conflict.decided_by_time()) return;
    const auto gone = session_.delete_outdated(std::string(announcement));
    if (!gone) return;
    ++conflicts_;
    log::debug("a row that had been deleted here came back older and went again",
               {{"row", gone->shown}, {"commit_lsn", to_string(place.commit_lsn)}});
}

target::ConflictRecord ExactApplier::record_of(const TablePlan &plan, const RowChange &change, const ChangePlace &place,
                                               const Met &met, std::string_view outcome) {
    const auto row = whole_new_row(plan, change);
    const auto key = key_row(plan, change);
    target::ConflictRecord record;
    record.kind = name_of(met.kind);
    const bool missing = met.kind == ConflictKind::update_missing || met.kind == ConflictKind::delete_missing;
    record.policy = missing ? (met.kind == ConflictKind::update_missing ? config_.conflict.update_missing
                                                                        : config_.conflict.delete_missing)
                            : std::string(name_of(policy_of(config_.conflict, change.relation->name, met.kind)));
    record.outcome = outcome;
    record.table = plan.table.name;
    record.operation = change.operation == RowOperation::insert   ? "insert"
                       : change.operation == RowOperation::update ? "update"
                                                                  : "delete";
    record.commit_lsn = place.commit_lsn;
    record.change = place.number;
    record.commit_time = place.commit_time;
    record.constraint = met.constraint;
    record.key = session_.row_as_json(plan, key);
    if (!row.empty()) record.source_row = session_.row_as_json(plan, row);
    record.source_origin = place.origin;
    record.met = met.rows;
    return record;
}

void ExactApplier::stop(const TablePlan &plan, const RowChange &change, const ChangePlace &place, const Met &found) {
    session_.rollback();
    noted_.clear();
    auto met = found;
    if (const auto row = whole_new_row(plan, change); met.rows.empty() && !row.empty()) {
        met.rows = session_.rows_in_the_way(plan, row, nullptr);
        if (met.rows.size() > 1 && met.kind != ConflictKind::update_missing)
            met.kind = ConflictKind::multiple_unique_conflicts;
    }
    const auto conflict = record_of(plan, change, place, met, name_of(Resolution::stop));
    session_.record_conflict(conflict);
    std::string text = fmt::format("{}: {} of change {} in the transaction at {}", conflict.kind,
                                   verb(change.operation), place.number, to_string(place.commit_lsn));
    if (!met.reason.empty()) text += ": " + met.reason;
    text += "; key " + conflict.key;
    if (!conflict.source_row.empty()) text += "; source row " + conflict.source_row;
    for (const auto &row : met.rows) text += "; target row " + row.shown;
    throw Error(ErrorKind::conflict, target::object_of(plan), text,
                "Nothing of the transaction was applied. Mend the target's row, decide about the change (walbridge "
                "conflicts resolve) or choose a conflict.policy, and start the task again; the record stands in "
                "walbridge.conflict on the target.");
}

void ExactApplier::record(const TablePlan &plan, const RowChange &change, const ChangePlace &place, const Met &found,
                          std::string_view outcome) {
    auto met = found;
    if (const auto row = whole_new_row(plan, change);
        met.rows.empty() && !row.empty() && met.kind != ConflictKind::update_missing)
        met.rows = session_.rows_in_the_way(plan, row, nullptr);
    const auto *decision = decision_on(place);
    const bool skipped = decision != nullptr && !decision->overwrite && outcome == name_of(Resolution::keep_target);
    session_.record_conflict(record_of(plan, change, place, met, skipped ? "skipped" : outcome));
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
