// changes.hpp: what of a table has to be read to know that it is equal, when it was found equal before.
#pragma once

#include "verify/snapshot_pair.hpp"
#include "verify/table_pair.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::verify {

struct Changes {
    bool known = false;                         ///< false: every row has to be read
    std::string reason;                         ///< why
    std::vector<std::vector<std::string>> keys; ///< known: values of the key columns, in the key's order
};

/// `equal_at`: where the table was found equal; nullopt = never.
[[nodiscard]] Changes changes_of(const TablePair &table, std::optional<Lsn> equal_at, std::optional<Lsn> complete_since,
                                 const std::vector<SnapshotPair::ChangedKey> &changed);

} // namespace walbridge::verify
