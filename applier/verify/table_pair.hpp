// table_pair.hpp: which table of the source is compared with which of the target, by which columns, found by which key.
#pragma once

#include "source/catalog.hpp"
#include "verify/digest.hpp"
#include "verify/snapshot_pair.hpp"
#include "verify/verify.hpp"

#include <string>
#include <vector>

namespace walbridge::verify {

struct TablePair {
    /// The source's columns are those that travel, under the target's names.
    source::Table source, target;
    std::string source_rows; ///< subquery whose rows are those that travel; empty = the table's own
    std::string first_key;   ///< first key column on the source
    std::string failed;      ///< why it cannot be compared; empty = it can
    std::vector<ColumnPair> columns;
    /// With objects.existing = "proceed": columns that are not compared, of the source and of the target.
    std::vector<std::string> left_out, only_there;
    std::vector<std::size_t> key; ///< indexes into columns; empty = rows without a key are a multiset
    bool by_ranges = false;       ///< the first key column has one order on both sides, in which rows lie on both
    std::uint64_t source_bytes = 0, target_bytes = 0;

    [[nodiscard]] std::vector<ColumnPair> key_columns() const;
    /// FROM item: a plain table alone, a partitioned one with its partitions; of the source what travels of it.
    [[nodiscard]] std::string from(Side side) const;
    /// The table itself.
    [[nodiscard]] std::string relation(Side side) const;
    /// Names, storage and columns of both: equal = what was found of it before still concerns it.
    [[nodiscard]] std::string fingerprint() const;
    /// The same without storage.
    [[nodiscard]] std::string shape() const;
};

/// The selected tables (or `only` these; strict: all of them must exist), partitions one by one where both sides have
/// the same, by the name on the source.
[[nodiscard]] std::vector<TablePair> pair_tables(const TaskConfig &config, const std::vector<QualifiedName> &only,
                                                 SnapshotPair &snapshots, bool strict = true);

/// What both sides can compute: the fast form where both do it alike.
[[nodiscard]] DigestForm common_form(SnapshotPair &snapshots);

} // namespace walbridge::verify
