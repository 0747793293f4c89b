// generate.hpp: a case: rows of the source, what its clients do, the target's rows before, and the settings.
#pragma once

#include "apply/sync_filter.hpp"
#include "config/task_config.hpp"
#include "source.hpp"

#include <string>
#include <vector>

namespace walbridge::differential {

/// A table (or a part of it, by its integer key) was copied after so many of the case's transactions.
struct CopiedPart {
    int table = 0;
    std::optional<std::int64_t> low, high; ///< of the key; low inclusive, high exclusive
    std::size_t after = 0;
};

struct Case {
    std::uint64_t seed = 0; ///< of what is decided later: where to cut the stream into batches
    const Schema *schema = nullptr;
    TaskConfig::Conflict policies;
    DatabaseRows source; ///< before the first transaction
    DatabaseRows target; ///< the same, unless conflicts were injected
    std::vector<SourceTransaction> transactions;
    std::vector<CopiedPart> copied;
    bool injected = false; ///< the target deviates from the source

    /// Without conflicts the target must end up as the source did.
    [[nodiscard]] bool must_equal_source() const;
    [[nodiscard]] apply::SyncFilter filter(const std::vector<Lsn> &commit_lsns) const;
    /// After how many of the case's transactions the part of `table` was copied that the row lies in.
    [[nodiscard]] std::size_t copied_after(int table, const SourceRow &row) const;
};

/// What the copy has brought: the source's rows as they were when each part was copied.
[[nodiscard]] DatabaseRows target_before(const Case &made);

/// Names of things that happened while generating, for the coverage.
using Notes = std::vector<std::string>;

[[nodiscard]] Case random_case(const Schema &schema, std::uint64_t seed, Notes &notes);

} // namespace walbridge::differential
