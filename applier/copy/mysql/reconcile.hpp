// reconcile.hpp: copy/reconcile.hpp for MySQL and MariaDB. Tables whose definition changed on the source since the
// schema stage are dropped and made anew: they start again with no row.
#pragma once

#include "base/mysql/session.hpp"
#include "copy/pass.hpp"
#include "source/snapshot.hpp"

#include <vector>

namespace walbridge::copy::mysql {

/// Writes the outcome to the target and returns all chunks as they are now. `source` has imported the snapshot. Throws
/// Error(copy_stage) that names a table with another definition when the task has no schema stage.
[[nodiscard]] std::vector<Chunk> reconcile(const LoadContext &context, pg::Session &source,
                                           const source::ExportedSnapshot &snapshot, const SourceTables &tables,
                                           my::Session &target, const std::vector<Chunk> &chunks);

} // namespace walbridge::copy::mysql
