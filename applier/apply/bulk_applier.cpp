// bulk_applier.cpp: grouping changes by table between truncates, and queueing their net effect.
#include "apply/bulk_applier.hpp"

#include <algorithm>
#include <unordered_map>

namespace walbridge::apply {
namespace {

using target::TablePlan;
using target::TargetSession;

/// A row beyond this size travels as single parameters: an array would hold it in memory once more.
constexpr std::size_t largest_row_in_array = std::size_t{16} << 20;

std::size_t bytes_of(Tuple tuple) {
    std::size_t bytes = 0;
    for (const auto &value : tuple) bytes += value.bytes.size();
    return bytes;
}

/// Changes of one table between two truncates, in order.
struct Group {
    const TablePlan *plan = nullptr;
    std::vector<const RowChange *> changes;
    bool large_rows = false;
};

void queue_operation(TargetSession &session, const TablePlan &plan, const SetOperation &operation) {
    switch (operation.kind) {
    case SetOperation::Kind::absent: return session.queue_absent(plan, operation.keys);
    case SetOperation::Kind::remove: return session.queue_delete(plan, operation.keys);
    case SetOperation::Kind::update: return session.queue_update(plan, operation.keys, operation.rows);
    case SetOperation::Kind::insert: return session.queue_insert(plan, operation.rows);
    }
}

bool queue_set(TargetSession &session, const TablePlan &plan, std::span<const RowChange *const> changes) {
    const auto effect = net_effect(plan, changes);
    if (!effect) return false;
    for (const auto &operation : effect->operations) queue_operation(session, plan, operation);
    return true;
}

/// In order: runs of inserts as sets, everything else change by change.
void queue_insert_runs(TargetSession &session, const TablePlan &plan, std::span<const RowChange *const> changes) {
    const auto is_insert = [](const RowChange *change) { return change->operation == RowOperation::insert; };
    for (auto at = changes.begin(); at != changes.end();) {
        const auto end = std::find_if_not(at, changes.end(), is_insert);
        if (at != end && queue_set(session, plan, {at, end})) {
            at = end;
            continue;
        }
        session.queue_change(plan, **at);
        ++at;
    }
}

void queue_group(TargetSession &session, const Group &group) {
    const auto &plan = *group.plan;
    if (!group.large_rows) {
        if (plan.bulk_eligible() && queue_set(session, plan, group.changes)) return;
        if (plan.bulk_inserts()) return queue_insert_runs(session, plan, group.changes);
    }
    for (const auto *change : group.changes) session.queue_change(plan, *change);
}

class Groups {
  public:
    void add(const TablePlan &plan, const RowChange &change) {
        auto [entry, fresh] = index_.try_emplace(plan.table.oid, groups_.size());
        if (fresh) groups_.push_back({&plan, {}, false});
        auto &group = groups_[entry->second];
        group.changes.push_back(&change);
        if (bytes_of(change.new_row) + bytes_of(change.old_row) > largest_row_in_array) group.large_rows = true;
    }

    /// Another descriptor of a table that is in the group already: its columns differ.
    [[nodiscard]] bool conflicts(const TablePlan &plan) const {
        const auto found = index_.find(plan.table.oid);
        return found != index_.end() && groups_[found->second].plan != &plan;
    }

    void queue(TargetSession &session) {
        for (const auto &group : groups_) queue_group(session, group);
        groups_.clear();
        index_.clear();
    }

  private:
    std::vector<Group> groups_; ///< by first appearance
    std::unordered_map<std::uint32_t, std::size_t> index_;
};

/// More than this are not waited for one by one.
constexpr std::size_t most_in_one_exchange = 100;

void queue_all(TargetSession &session, std::span<const PlannedChange> changes) {
    Groups groups;
    for (const auto &planned : changes) {
        if (const auto *row = std::get_if<RowChange>(planned.change)) {
            if (groups.conflicts(*planned.plan)) groups.queue(session);
            groups.add(*planned.plan, *row);
        } else if (const auto *truncate = std::get_if<TruncateChange>(planned.change)) {
            groups.queue(session);
            session.queue_truncate(planned.truncated, truncate->restart_identity);
        }
    }
    groups.queue(session);
}

} // namespace

bool apply_in_bulk(TargetSession &session, std::span<const PlannedChange> changes) {
    session.savepoint();
    queue_all(session, changes);
    if (session.flush()) return true;
    session.rollback_to_savepoint();
    return false;
}

bool fits_one_exchange(std::span<const PlannedChange> changes) {
    if (changes.size() > most_in_one_exchange) return false;
    return std::ranges::all_of(
        changes, [](const PlannedChange &planned) { return planned.plan != nullptr && planned.plan->bulk_eligible(); });
}

bool apply_and_commit(TargetSession &session, std::span<const PlannedChange> changes,
                      const target::CommitPosition &position) {
    session.prove_on_server();
    queue_all(session, changes);
    return session.commit_unseen(position);
}

} // namespace walbridge::apply
