// row_change.hpp: what a change of one row says about its table, on every target. Pure functions.
#pragma once

#include "change/change.hpp"
#include "target/table_plan.hpp"

#include <cstdint>
#include <vector>

namespace walbridge::target {

/// The tuple whose values find the row of an UPDATE or DELETE.
[[nodiscard]] inline Tuple lookup_tuple(const RowChange &change) {
    return change.old_kind == OldTuple::none ? change.new_row : change.old_row;
}

/// The columns an UPDATE sets, as indexes into TablePlan::columns: those with a value that the change may have touched.
[[nodiscard]] inline std::vector<std::uint32_t> set_columns(const TablePlan &plan, const RowChange &change) {
    std::vector<std::uint32_t> set;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        const auto source = plan.columns[index].source;
        const auto &value = change.new_row[source];
        if (value.kind == ValueKind::unchanged) continue;
        const bool key_of_source = plan.relation->columns[source].key;
        if (change.old_kind == OldTuple::none && key_of_source) continue; // no old key was sent: it did not change
        const bool old_known = change.old_kind == OldTuple::full || (change.old_kind == OldTuple::key && key_of_source);
        if (old_known && change.old_row[source] == value) continue;
        set.push_back(index);
    }
    return set;
}

} // namespace walbridge::target
