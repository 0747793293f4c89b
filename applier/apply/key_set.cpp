// key_set.cpp: which keys a change takes and gives up.
#include "apply/key_set.hpp"

#include <algorithm>
#include <string_view>

namespace walbridge::apply {
namespace {

using target::Lookup;
using target::TablePlan;

void mix(std::uint64_t &hash, std::uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
}

bool holds(Tuple row, const std::vector<std::uint32_t> &columns) {
    return std::ranges::none_of(columns, [&](auto index) { return row[index].kind == ValueKind::unchanged; });
}

} // namespace

void KeySet::take(std::uint32_t table, Share share) {
    auto &held = tables_[table];
    held = std::max(held, share);
}

void KeySet::add_key(const TablePlan &plan, std::size_t number, Tuple row) {
    const auto &key = plan.unique_keys[number];
    std::uint64_t hash = plan.table.oid;
    mix(hash, number);
    for (const auto index : key.columns) {
        const auto &value = row[index];
        // Rows with a null in a key are never equal, unless the key says so.
        if (value.kind == ValueKind::null && !key.nulls_not_distinct) return;
        mix(hash, static_cast<std::uint64_t>(value.kind));
        mix(hash, std::hash<std::string_view>{}(value.bytes));
    }
    keys_.insert(hash);
}

bool KeySet::add(const TablePlan &plan, const RowChange &change) {
    const auto &table = plan.table;
    if (table.firing_triggers || table.rules || !table.unenforced.empty()) return false;
    const bool removes = change.operation != RowOperation::insert; // an old row, or its old values, go
    const bool adds = change.operation != RowOperation::remove;
    auto share = Share::some_rows;
    if (table.exclusion_constraints || (removes && plan.lookup != Lookup::unique_key)) share = Share::whole_table;
    for (std::size_t number = 0; number < plan.unique_keys.size() && share == Share::some_rows; ++number) {
        const auto &key = plan.unique_keys[number];
        // What is given up: by its key a row is always named, other unique values only by a full old row.
        const auto old_row = change.old_kind == OldTuple::none ? change.new_row : change.old_row;
        const bool old_known = !removes || change.old_kind == OldTuple::full || key.lookup;
        if (!key.comparable || !old_known || (removes && !holds(old_row, key.columns))) {
            share = Share::whole_table;
            break;
        }
        if (removes) add_key(plan, number, old_row);
        // A value that did not travel is the old row's, which is in the set already.
        if (adds && holds(change.new_row, key.columns))
            add_key(plan, number, change.new_row);
        else if (adds && key.columns.size() > 1)
            share = Share::whole_table;
    }
    take(table.oid, share);
    return true;
}

bool KeySet::disjoint(const KeySet &other) const {
    for (const auto &[table, share] : tables_) {
        const auto found = other.tables_.find(table);
        if (found != other.tables_.end() && (share == Share::whole_table || found->second == Share::whole_table))
            return false;
    }
    const bool fewer = keys_.size() < other.keys_.size();
    const auto &few = fewer ? keys_ : other.keys_;
    const auto &many = fewer ? other.keys_ : keys_;
    return std::ranges::none_of(few, [&](auto key) { return many.contains(key); });
}

} // namespace walbridge::apply
