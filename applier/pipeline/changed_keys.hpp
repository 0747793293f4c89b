// changed_keys.hpp: which rows were changed since both sides were last compared, by key, so that a verification in the
// minutes of a switchover reads those and no others.
//
// Kept in memory, from the first alignment on: a process that has just started knows nothing and says so. Whatever
// cannot be told by key (TRUNCATE, DDL, REPLICA IDENTITY FULL, keys of types that travel in a form of their own, more
// keys than there is room for) marks the whole table. The applier notes changes before it applies them; the alignment
// reads while apply is held. Safe from both threads.
#pragma once

#include "base/lsn.hpp"
#include "change/batch.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace walbridge::pipeline {

class ChangedKeys {
  public:
    /// `room`: bytes of keys, as far as they can be counted.
    explicit ChangedKeys(std::size_t room = std::size_t{64} << 20) : room_(room) {}

    /// A piece of a batch is about to be applied.
    void note(const ChangeBatch &batch, const TransactionPiece &piece);

    struct Entry {
        QualifiedName table;                      ///< on the source; empty = every table
        Lsn since;                                ///< the change came after the alignment at this position
        std::vector<std::string> columns, values; ///< of the key; empty = any row of the table
    };
    struct Collected {
        std::optional<Lsn> complete_since; ///< every change behind it is in the entries; nullopt = nothing is known
        std::vector<Entry> entries;
    };
    /// Apply is held at `position`. What was noted since earlier alignments; what was noted before `needed_since` is
    /// forgotten (nullopt = keep all). Changes from here on count as behind `position`.
    Collected align(Lsn position, std::optional<Lsn> needed_since);

  private:
    using Generation = std::uint32_t; ///< index into alignments_
    struct Table {
        QualifiedName name;
        std::vector<std::string> columns;
        std::unordered_map<std::string, Generation> keys; ///< values with their lengths
        std::optional<Generation> all;
    };
    void note_row(const RowChange &change);
    void note_key(Table &table, const Relation &relation, Tuple row);
    void note_all(std::uint32_t oid, const QualifiedName &name);
    Table &table(std::uint32_t oid, const QualifiedName &name);
    void forget_before(Lsn position);

    std::mutex mutex_;
    const std::size_t room_;
    std::size_t used_ = 0;
    std::vector<Lsn> alignments_; ///< empty = nothing is noted yet
    Lsn forgotten_before_;
    std::map<std::uint32_t, Table> tables_;
    std::optional<Generation> everything_;
    struct InProgress {
        Generation begun = 0;
        std::map<std::uint32_t, QualifiedName> tables;
    };
    static constexpr Generation unknown = ~Generation{0};
    std::map<std::uint32_t, InProgress> streamed_; ///< by transaction: its blocks come before it takes effect
};

} // namespace walbridge::pipeline
