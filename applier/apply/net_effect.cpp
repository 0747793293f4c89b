// net_effect.cpp: collapsing changes per key, or ordering them in runs.
#include "apply/net_effect.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace walbridge::apply {
namespace {

using target::Row;
using target::TablePlan;
using Memory = std::pmr::monotonic_buffer_resource;

/// Keys are the same when their bytes are. Keys that are equal for the type only (1.0 and 1.00) may count as two: on
/// the source they cannot have existed at the same time, and each keeps its own proof.
struct KeyHash {
    const TablePlan *plan;
    std::size_t operator()(Row row) const {
        std::size_t hash = 0;
        for (const auto index : plan->key) hash = hash * 31 + std::hash<std::string_view>{}(row[index].bytes);
        return hash;
    }
};

struct KeyEqual {
    const TablePlan *plan;
    bool operator()(Row left, Row right) const {
        return std::ranges::all_of(plan->key, [&](std::uint32_t index) { return left[index] == right[index]; });
    }
};

bool before_by_key(const TablePlan &plan, Row left, Row right) {
    for (const auto index : plan.key)
        if (const auto order = left[index].bytes.compare(right[index].bytes); order != 0) return order < 0;
    return false;
}

bool complete(Row row) {
    return std::ranges::none_of(row, [](const Value &value) { return value.kind == ValueKind::unchanged; });
}

/// Updates of one statement set the same columns.
bool same_columns(Row left, Row right) {
    return std::ranges::equal(
        left, right, {}, [](const Value &value) { return value.kind == ValueKind::unchanged; },
        [](const Value &value) { return value.kind == ValueKind::unchanged; });
}

/// Whether the target's rows hold values that no change carries: a column of the target's own.
bool has_columns_of_its_own(const TablePlan &plan) {
    const auto written =
        std::ranges::count_if(plan.table.columns, [](const auto &column) { return !column.generated; });
    return static_cast<std::size_t>(written) > plan.columns.size();
}

bool only(RowOperation operation, std::span<const RowChange *const> changes) {
    return std::ranges::all_of(changes, [&](const auto *change) { return change->operation == operation; });
}

/// Planned rows: the tuple itself where the target has the source's columns in their order, else one made in `memory`.
class Rows {
  public:
    Rows(const TablePlan &plan, Memory &memory) : plan_(plan), memory_(memory) {
        in_order_ = plan.columns.size() == plan.relation->columns.size();
        for (std::uint32_t index = 0; in_order_ && index < plan.columns.size(); ++index)
            in_order_ = plan.columns[index].source == index;
    }

    Row planned(Tuple tuple) {
        if (in_order_) return tuple;
        const auto row = allocate();
        for (std::size_t index = 0; index < row.size(); ++index) row[index] = tuple[plan_.columns[index].source];
        return row;
    }

    /// `upper` where it carries a value, `lower` elsewhere.
    Row overlaid(Row lower, Row upper) {
        if (complete(upper)) return upper;
        const auto row = allocate();
        for (std::size_t index = 0; index < row.size(); ++index)
            row[index] = upper[index].kind == ValueKind::unchanged ? lower[index] : upper[index];
        return row;
    }

    /// `row` with key values that did not travel (TOASTed ones) taken from the old key.
    Row with_key(Row row, Row old_key) {
        if (std::ranges::none_of(plan_.key, [&](auto index) { return row[index].kind == ValueKind::unchanged; }))
            return row;
        const auto made = allocate();
        std::ranges::copy(row, made.begin());
        for (const auto index : plan_.key)
            if (made[index].kind == ValueKind::unchanged) made[index] = old_key[index];
        return made;
    }

    /// What an UPDATE sets whose whole old row travelled: what it changed and nothing else. A row of the target that
    /// deviates in another column keeps it, as on the exact path.
    Row changed(Row old_row, Row row) {
        const auto left = [&](std::size_t index) { return !plan_.columns[index].key && row[index] == old_row[index]; };
        std::size_t index = 0;
        while (index < row.size() && !left(index)) ++index;
        if (index == row.size()) return row;
        const auto made = allocate();
        std::ranges::copy(row, made.begin());
        for (; index < row.size(); ++index)
            if (left(index)) made[index] = {ValueKind::unchanged, {}};
        return made;
    }

  private:
    std::span<Value> allocate() {
        const auto count = plan_.columns.size();
        return {new (memory_.allocate(count * sizeof(Value), alignof(Value))) Value[count], count};
    }

    const TablePlan &plan_;
    Memory &memory_;
    bool in_order_ = false;
};

/// What happened to one key so far.
struct KeyState {
    bool existed = false;  ///< the first change needed the row: it must be there
    bool removed = false;  ///< the row that was there is gone
    bool inserted = false; ///< a row made by these changes is there, in `row`
    Row row;               ///< inserted row, or the values an UPDATE sets (unchanged elsewhere); empty: none
};

class Collapse {
  public:
    Collapse(const TablePlan &plan, Memory &memory, std::size_t changes)
        : plan_(plan), own_columns_(has_columns_of_its_own(plan)), rows_(plan, memory),
          states_(changes, KeyHash{&plan}, KeyEqual{&plan}, &memory), order_(&memory) {
        order_.reserve(changes);
    }

    /// False: the change cannot be expressed.
    bool add(const RowChange &change) {
        switch (change.operation) {
        case RowOperation::insert: return insert(rows_.planned(change.new_row));
        case RowOperation::remove:
            return remove(rows_.planned(change.old_kind == OldTuple::none ? change.new_row : change.old_row));
        case RowOperation::update: return update(change);
        }
        return false;
    }

    std::vector<SetOperation> finish();

  private:
    using States = std::pmr::unordered_map<Row, KeyState, KeyHash, KeyEqual>;

    KeyState &state(Row row, bool existed) {
        const auto [entry, fresh] = states_.try_emplace(row);
        if (fresh) {
            entry->second.existed = existed;
            order_.push_back(&*entry);
        }
        return entry->second;
    }

    bool insert(Row row) {
        auto &key = state(row, false);
        const bool there = key.inserted || (key.existed && !key.removed);
        if (there) return false; // a conflict for sure: let the exact path judge it
        key.inserted = true;
        key.row = row;
        return true;
    }

    bool remove(Row old_row) {
        auto &key = state(old_row, true);
        if (key.inserted) {
            key.inserted = false;
            key.row = {};
            return true;
        }
        if (key.removed || !key.existed) return false;
        key.removed = true;
        key.row = {};
        return true;
    }

    bool update(const RowChange &change) {
        auto row = rows_.planned(change.new_row);
        if (change.old_kind != OldTuple::none) {
            const auto old_row = rows_.planned(change.old_row);
            row = rows_.with_key(row, old_row); // an old key may travel beside an unchanged (TOASTed) key column
            if (change.old_kind == OldTuple::full) row = rows_.changed(old_row, row);
            if (!KeyEqual{&plan_}(old_row, row)) return move(old_row, row);
        }
        auto &key = state(row, true);
        if (key.inserted || (key.existed && !key.removed && !key.row.empty())) {
            key.row = rows_.overlaid(key.row, row);
            return true;
        }
        if (key.removed || !key.existed) return false;
        key.row = row;
        return true;
    }

    /// A key change: the old row goes, the new one comes. Values that the change does not set are known only if the row
    /// was made here.
    bool move(Row old_row, Row row) {
        if (const auto &old_key = state(old_row, true); old_key.inserted)
            row = rows_.overlaid(old_key.row, row);
        else if (own_columns_)
            return false;
        if (!complete(row)) return false;
        return remove(old_row) && insert(row);
    }

    const TablePlan &plan_;
    const bool own_columns_;
    Rows rows_;
    States states_;
    std::pmr::vector<const States::value_type *> order_; ///< by first appearance
};

SetOperation &update_of(std::vector<SetOperation> &updates, Row row) {
    for (auto &update : updates)
        if (same_columns(update.rows.front(), row)) return update;
    return updates.emplace_back(SetOperation{SetOperation::Kind::update, {}, {}});
}

/// Keys in order touch the pages of index and table in order, too. What one operation does to different keys does not
/// depend on their order.
void sort_by_key(const TablePlan &plan, SetOperation &update) {
    std::vector<std::pair<Row, Row>> pairs;
    pairs.reserve(update.keys.size());
    for (std::size_t at = 0; at < update.keys.size(); ++at) pairs.emplace_back(update.keys[at], update.rows[at]);
    std::ranges::sort(
        pairs, [&](const auto &left, const auto &right) { return before_by_key(plan, left.first, right.first); });
    for (std::size_t at = 0; at < pairs.size(); ++at) {
        update.keys[at] = pairs[at].first;
        update.rows[at] = pairs[at].second;
    }
}

std::vector<SetOperation> Collapse::finish() {
    SetOperation absent{SetOperation::Kind::absent, {}, {}}, removed{SetOperation::Kind::remove, {}, {}},
        inserted{SetOperation::Kind::insert, {}, {}};
    std::vector<SetOperation> updates;
    for (const auto *entry : order_) {
        const auto &[row, key] = *entry;
        if (key.removed) removed.keys.push_back(row);
        if (!key.existed && !key.inserted) absent.keys.push_back(row);
        if (key.inserted) inserted.rows.push_back(key.row);
        if (key.existed && !key.removed && !key.row.empty()) {
            auto &update = update_of(updates, key.row);
            update.keys.push_back(row);
            update.rows.push_back(key.row);
        }
    }
    std::vector<SetOperation> operations;
    if (!absent.keys.empty()) operations.push_back(std::move(absent));
    if (!removed.keys.empty()) {
        std::ranges::sort(removed.keys, [&](Row left, Row right) { return before_by_key(plan_, left, right); });
        operations.push_back(std::move(removed));
    }
    for (auto &update : updates) {
        sort_by_key(plan_, update);
        operations.push_back(std::move(update));
    }
    if (!inserted.rows.empty()) operations.push_back(std::move(inserted));
    return operations;
}

/// Runs of one operation in the order of the changes; a key change cannot stand in a set.
std::optional<std::vector<SetOperation>> runs(const TablePlan &plan, Memory &memory,
                                              std::span<const RowChange *const> changes) {
    Rows rows(plan, memory);
    std::vector<SetOperation> operations;
    std::pmr::unordered_set<Row, KeyHash, KeyEqual> seen(changes.size(), KeyHash{&plan}, KeyEqual{&plan}, &memory);
    const auto open = [&](SetOperation::Kind kind, Row key, Row updated) -> SetOperation & {
        const bool fits = !operations.empty() && operations.back().kind == kind &&
                          (updated.empty() || same_columns(operations.back().rows.front(), updated));
        if (!fits || !seen.insert(key).second) {
            operations.emplace_back().kind = kind;
            seen.clear();
            seen.insert(key);
        }
        return operations.back();
    };
    for (const auto *change : changes) {
        if (change->operation == RowOperation::insert) {
            const auto row = rows.planned(change->new_row);
            open(SetOperation::Kind::insert, row, {}).rows.push_back(row);
            continue;
        }
        const auto key = rows.planned(change->old_kind == OldTuple::none ? change->new_row : change->old_row);
        if (change->operation == RowOperation::remove) {
            open(SetOperation::Kind::remove, key, {}).keys.push_back(key);
            continue;
        }
        auto row = rows.with_key(rows.planned(change->new_row), key);
        if (!KeyEqual{&plan}(key, row)) return std::nullopt;
        if (change->old_kind == OldTuple::full) row = rows.changed(key, row);
        auto &run = open(SetOperation::Kind::update, key, row);
        run.keys.push_back(key);
        run.rows.push_back(row);
    }
    return operations;
}

/// Inserts alone need no look at their keys: a key that comes twice is refused by the server.
std::vector<SetOperation> inserts(const TablePlan &plan, Memory &memory, std::span<const RowChange *const> changes) {
    Rows rows(plan, memory);
    SetOperation operation{SetOperation::Kind::insert, {}, {}};
    operation.rows.reserve(changes.size());
    for (const auto *change : changes) operation.rows.push_back(rows.planned(change->new_row));
    return {std::move(operation)};
}

std::optional<std::vector<SetOperation>> operations_of(const TablePlan &plan, Memory &memory,
                                                       std::span<const RowChange *const> changes) {
    if (only(RowOperation::insert, changes)) return inserts(plan, memory, changes);
    if (plan.extra_unique_keys) return runs(plan, memory, changes);
    Collapse collapse(plan, memory, changes.size());
    for (const auto *change : changes)
        if (!collapse.add(*change)) return std::nullopt;
    return collapse.finish();
}

} // namespace

std::optional<NetEffect> net_effect(const TablePlan &plan, std::span<const RowChange *const> changes) {
    NetEffect effect;
    effect.memory = std::make_unique<Memory>(std::size_t{64} << 10);
    auto operations = operations_of(plan, *effect.memory, changes);
    if (!operations) return std::nullopt;
    effect.operations = std::move(*operations);
    return effect;
}

} // namespace walbridge::apply
