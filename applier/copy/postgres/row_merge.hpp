// row_merge.hpp: brings a chunk's rows into a table that held rows before the task [O-09]: first into a temporary table
// of the session, then from there in one statement, which is where rows meet. All in the caller's transaction.
//
// Rows meet by any unique key or exclusion constraint of the target, over expressions and partial ones as well. Only
// keys over columns that the source does not have are left to the server, which refuses the chunk.
#pragma once

#include "config/task_config.hpp"
#include "copy/chunk_copier.hpp"
#include "source/catalog.hpp"

#include <functional>
#include <string>
#include <vector>

namespace walbridge::copy::postgres {

/// The temporary table: the place that a merged leg's COPY goes to instead of the table.
[[nodiscard]] const QualifiedName &staging_name();

struct Merge {
    Leg leg;                          ///< its COPY goes to staging_name()
    source::Table table;              ///< of the target
    std::vector<std::string> columns; ///< of the target, that the COPY brings
    bool overwrite = false; ///< a row of the target in the way goes; else it stays and the source's does not come
    std::string role;       ///< that will act on the table instead of the session's own; empty = none
};

/// Both sessions are in a transaction. `as_owner` runs its argument acting as `role`. Throws as stream_rows(), and
/// Error(permission) when the target's role may not make temporary tables. After an exception both transactions must be
/// rolled back.
[[nodiscard]] Counts merge_rows(pg::Session &source, pg::Session &target, const Merge &merge, const CopyWatch &watch,
                                const std::function<void(const std::function<void()> &)> &as_owner);

} // namespace walbridge::copy::postgres
