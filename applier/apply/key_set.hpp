// key_set.hpp: the rows and unique values that a run of transactions touches, so that runs which cannot meet are
// applied side by side.
//
// Two runs are disjoint when no order of applying them could be told from another: no row in common, no value of any
// unique key of the target in common, whether taken or given up. Keys count as equal by the target's equality; where
// that is not equality of bytes (numeric, float, bpchar, collations that are not deterministic, expressions, partial
// indexes), and where an UPDATE or DELETE does not say which unique values it gives up (no REPLICA IDENTITY FULL), the
// run takes the whole table. Hashes stand for keys: a collision costs a wait, never a wrong result.
// Pure data, no I/O; one thread at a time.
#pragma once

#include "target/table_plan.hpp"

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace walbridge::apply {

class KeySet {
  public:
    /// Adds what `change` touches. False: it cannot be bounded (triggers, rules); the run must be alone.
    [[nodiscard]] bool add(const target::TablePlan &plan, const RowChange &change);

    [[nodiscard]] bool disjoint(const KeySet &other) const;

  private:
    enum class Share : std::uint8_t { some_rows, whole_table };

    void add_key(const target::TablePlan &plan, std::size_t number, Tuple row);
    void take(std::uint32_t table, Share share);

    std::unordered_set<std::uint64_t> keys_;
    std::unordered_map<std::uint32_t, Share> tables_; ///< by the target's OID
};

} // namespace walbridge::apply
