// batch.hpp: which items share a transaction and a message, and which may be created side by side. Pure functions.
// Most objects cost the server less than the round trips around them, and a file that is created and flushed makes its
// session wait: thousands of small objects need both, batches and several sessions.
#pragma once

#include "schema/item.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace walbridge::schema {

/// Items of one transaction, in order.
struct Batch {
    std::vector<Item> items;
    bool large = false; ///< one item of a large table: takes its time, memory and processors
};

/// Batches that come after all batches of the waves before.
struct Wave {
    std::vector<Batch> batches;
    /// In any order and by several sessions. What lacks an item of its own wave is created after the wave.
    bool side_by_side = false;
};

/// Size of the item's table on the target, in bytes; 0 = unknown or none.
using TableBytes = std::function<std::uint64_t(const Item &)>;

/// What tables need, and the tables. Runs of tables and sequences are side by side: first what stands by itself, then
/// what belongs to it (ownership, identity), then what only adds to a table (defaults, comments). Everything else keeps
/// its place: a function may be called by the definition after it.
[[nodiscard]] std::vector<Wave> waves_before_data(const std::vector<Item> &items);

/// Indexes and keys, those of the largest tables first, each by itself; those of small tables share transactions, a
/// table's all in the same one.
[[nodiscard]] std::vector<Batch> index_batches(const std::vector<Item> &items, const TableBytes &bytes);

/// In order; items of large tables by themselves.
[[nodiscard]] std::vector<Batch> batches_in_order(const std::vector<Item> &items, const TableBytes &bytes);

} // namespace walbridge::schema
