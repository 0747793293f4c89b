// net_effect.cpp: collapsing changes per key, or ordering them in runs.
#include "apply/net_effect.hpp"

#include <map>
#include <string>
#include <unordered_map>

namespace walbridge::apply {
namespace {

using target::Row;
using target::TablePlan;

/// Bytes that are equal exactly for keys of equal bytes. Keys that are equal for the type only (1.0 and 1.00) may count
/// as two: on the source they cannot have existed at the same time, and each keeps its own proof.
std::string key_text(const TablePlan &plan, Row row) {
    std::string text;
    for (const auto index : plan.key) {
        const auto &value = row[index];
        const auto size = static_cast<std::uint32_t>(value.bytes.size());
        text += static_cast<char>(value.kind);
        text.append(reinterpret_cast<const char *>(&size), sizeof size);
        text.append(value.bytes);
    }
    return text;
}

bool complete(Row row) {
    for (const auto &value : row)
        if (value.kind == ValueKind::unchanged) return false;
    return true;
}

class Builder {
  public:
    explicit Builder(const TablePlan &plan) : plan_(plan) {}

    std::vector<Value> &planned(Tuple tuple) {
        auto &row = effect.rows.emplace_back();
        row.reserve(plan_.columns.size());
        for (const auto &column : plan_.columns) row.push_back(tuple[column.source]);
        return row;
    }

    NetEffect effect;

  private:
    const TablePlan &plan_;
};

/// What happened to one key so far.
struct KeyState {
    bool existed = false;  ///< the first change needed the row: it must be there
    bool removed = false;  ///< the row that was there is gone
    bool inserted = false; ///< a row made by these changes is there, in `row`
    std::vector<Value> *key = nullptr;
    std::vector<Value> *row = nullptr; ///< inserted row, or the values an UPDATE sets (unchanged elsewhere)
};

class Collapse {
  public:
    explicit Collapse(const TablePlan &plan) : plan_(plan), builder_(plan) {}

    /// False: the change cannot be expressed.
    bool add(const RowChange &change) {
        switch (change.operation) {
        case RowOperation::insert: return insert(builder_.planned(change.new_row));
        case RowOperation::remove:
            return remove(builder_.planned(change.old_kind == OldTuple::none ? change.new_row : change.old_row));
        case RowOperation::update: return update(change);
        }
        return false;
    }

    NetEffect finish();

  private:
    KeyState &state(std::vector<Value> &row, bool existed) {
        auto [entry, fresh] = states_.try_emplace(key_text(plan_, row));
        if (fresh) {
            entry->second.existed = existed;
            entry->second.key = &row;
            order_.push_back(&entry->second);
        }
        return entry->second;
    }

    bool insert(std::vector<Value> &row) {
        auto &key = state(row, false);
        const bool there = key.inserted || (key.existed && !key.removed);
        if (there) return false; // a conflict for sure: let the exact path judge it
        key.inserted = true;
        key.row = &row;
        return true;
    }

    bool remove(std::vector<Value> &old_row) {
        auto &key = state(old_row, true);
        if (key.inserted) {
            key.inserted = false;
            key.row = nullptr;
            return true;
        }
        if (key.removed || !key.existed) return false;
        key.removed = true;
        key.row = nullptr;
        return true;
    }

    bool update(const RowChange &change) {
        auto &row = builder_.planned(change.new_row);
        if (change.old_kind != OldTuple::none) {
            auto &old_row = builder_.planned(change.old_row);
            if (change.old_kind == OldTuple::full)
                for (std::size_t index = 0; index < row.size(); ++index)
                    if (row[index].kind == ValueKind::unchanged) row[index] = old_row[index];
            for (const auto index : plan_.key) // an old key may travel beside an unchanged (TOASTed) key column
                if (row[index].kind == ValueKind::unchanged) row[index] = old_row[index];
            if (key_text(plan_, old_row) != key_text(plan_, row)) return move(old_row, row);
        }
        auto &key = state(row, true);
        if (key.inserted || (key.existed && !key.removed && key.row != nullptr)) {
            merge(*key.row, row);
            return true;
        }
        if (key.removed || !key.existed) return false;
        key.row = &row;
        return true;
    }

    /// A key change: the old row goes, the new one comes. Values that did not travel are known only if the row was made
    /// here.
    bool move(std::vector<Value> &old_row, std::vector<Value> &row) {
        auto &old_key = state(old_row, true);
        if (old_key.inserted) {
            auto whole = *old_key.row;
            merge(whole, row);
            row = std::move(whole);
        }
        if (!complete(row)) return false;
        return remove(old_row) && insert(row);
    }

    static void merge(std::vector<Value> &into, const std::vector<Value> &row) {
        for (std::size_t index = 0; index < row.size(); ++index)
            if (row[index].kind != ValueKind::unchanged) into[index] = row[index];
    }

    const TablePlan &plan_;
    Builder builder_;
    std::unordered_map<std::string, KeyState> states_;
    std::vector<KeyState *> order_; ///< by first appearance
};

/// Which values a row carries, as a string of flags: updates of one statement set the same columns.
std::string shape_of(const std::vector<Value> &row) {
    std::string shape;
    for (const auto &value : row) shape += value.kind == ValueKind::unchanged ? '0' : '1';
    return shape;
}

NetEffect Collapse::finish() {
    SetOperation absent{SetOperation::Kind::absent, {}, {}}, removed{SetOperation::Kind::remove, {}, {}},
        inserted{SetOperation::Kind::insert, {}, {}};
    std::map<std::string, SetOperation> updates;
    for (const auto *key : order_) {
        if (key->removed) removed.keys.emplace_back(*key->key);
        if (!key->existed && !key->inserted) absent.keys.emplace_back(*key->key);
        if (key->inserted) inserted.rows.emplace_back(*key->row);
        if (key->existed && !key->removed && key->row != nullptr) {
            auto &update = updates[shape_of(*key->row)];
            update.kind = SetOperation::Kind::update;
            update.keys.emplace_back(*key->key);
            update.rows.emplace_back(*key->row);
        }
    }
    auto &operations = builder_.effect.operations;
    if (!absent.keys.empty()) operations.push_back(std::move(absent));
    if (!removed.keys.empty()) operations.push_back(std::move(removed));
    for (auto &[shape, update] : updates) operations.push_back(std::move(update));
    if (!inserted.rows.empty()) operations.push_back(std::move(inserted));
    return std::move(builder_.effect);
}

/// Runs of one operation in the order of the changes; a key change cannot stand in a set.
std::optional<NetEffect> runs(const TablePlan &plan, const std::vector<const RowChange *> &changes) {
    Builder builder(plan);
    std::unordered_map<std::string, bool> seen;
    std::string shape;
    SetOperation *run = nullptr;
    const auto open = [&](SetOperation::Kind kind, const std::string &key, const std::string &row_shape) {
        if (run == nullptr || run->kind != kind || row_shape != shape || !seen.try_emplace(key, true).second) {
            run = &builder.effect.operations.emplace_back();
            run->kind = kind;
            seen.clear();
            seen.emplace(key, true);
            shape = row_shape;
        }
    };
    for (const auto *change : changes) {
        if (change->operation == RowOperation::insert) {
            auto &row = builder.planned(change->new_row);
            open(SetOperation::Kind::insert, key_text(plan, row), {});
            run->rows.emplace_back(row);
            continue;
        }
        auto &key = builder.planned(change->old_kind == OldTuple::none ? change->new_row : change->old_row);
        if (change->operation == RowOperation::remove) {
            open(SetOperation::Kind::remove, key_text(plan, key), {});
            run->keys.emplace_back(key);
            continue;
        }
        auto &row = builder.planned(change->new_row);
        for (const auto index : plan.key)
            if (row[index].kind == ValueKind::unchanged) row[index] = key[index];
        if (key_text(plan, key) != key_text(plan, row)) return std::nullopt;
        open(SetOperation::Kind::update, key_text(plan, key), shape_of(row));
        run->keys.emplace_back(key);
        run->rows.emplace_back(row);
    }
    return std::move(builder.effect);
}

} // namespace

std::optional<NetEffect> net_effect(const TablePlan &plan, const std::vector<const RowChange *> &changes) {
    if (plan.extra_unique_keys) return runs(plan, changes);
    Collapse collapse(plan);
    for (const auto *change : changes)
        if (!collapse.add(*change)) return std::nullopt;
    return collapse.finish();
}

} // namespace walbridge::apply
