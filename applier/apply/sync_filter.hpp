// sync_filter.hpp: which changes the copy already holds. A change belongs to the copy iff its transaction's commit_lsn
// is below the sync LSN of the chunk its row lies in, strictly (architecture, "Exactly once" 6). Pure data, no I/O.
#pragma once

#include "change/change.hpp"

#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace walbridge::apply {

/// A part of a table and the position of the snapshot it was copied under.
struct SyncChunk {
    std::int64_t low = std::numeric_limits<std::int64_t>::min(); ///< inclusive; of the integer key
    std::optional<std::int64_t> high;                            ///< exclusive; unset = to the end
    Lsn sync_lsn;
};

/// Chunks of one table; more than one only when they may differ in position, split by the single integer key.
struct TableSync {
    std::vector<SyncChunk> chunks;
    Lsn lowest, highest;

    void add(const SyncChunk &chunk);
};

enum class SyncVerdict { copied, apply };

class SyncFilter {
  public:
    void add(std::uint32_t source_oid, const QualifiedName &name, const SyncChunk &chunk) {
        tables_[source_oid].add(chunk);
        names_.insert_or_assign(name, source_oid);
    }
    void add(std::uint32_t source_oid, const SyncChunk &chunk) { tables_[source_oid].add(chunk); }

    /// nullptr when every change of the table is to be applied.
    [[nodiscard]] const TableSync *table(std::uint32_t source_oid) const;
    /// By the name under which it was copied.
    [[nodiscard]] const TableSync *table(const QualifiedName &name) const;

    /// For one whole table: `copied` when all its chunks hold changes up to `commit_lsn`, `apply` when none does,
    /// nullopt when the row decides.
    [[nodiscard]] static std::optional<SyncVerdict> of_table(const TableSync &table, Lsn commit_lsn);

    /// For a row with this key value. Throws Error(internal) when the key is not an integer: such tables are never
    /// split.
    [[nodiscard]] static SyncVerdict of_row(const TableSync &table, const Relation &relation, Tuple key_tuple,
                                            Lsn commit_lsn);

    /// Forgets tables that are caught up at `commit_lsn`: every later transaction commits after it.
    void passed(Lsn commit_lsn);

    [[nodiscard]] bool empty() const { return tables_.empty(); }

  private:
    std::unordered_map<std::uint32_t, TableSync> tables_;
    std::unordered_map<QualifiedName, std::uint32_t> names_;
};

/// The integer in text or binary form; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> integer_of(const Value &value);

} // namespace walbridge::apply
