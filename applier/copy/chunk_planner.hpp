// chunk_planner.hpp: how a table is cut into chunks.
// - key: large tables with a single integer identity key; a killed copy resumes inside the table, under another
//   snapshot.
// - ctid: other tables of several chunks, where the source scans block ranges (14 and later); parallel within one
//   snapshot.
// - whole: everything else.
#pragma once

#include "config/task_config.hpp"
#include "copy/chunk.hpp"
#include "source/catalog.hpp"

#include <vector>

namespace walbridge::copy {

/// The key column for chunks of kind `key`; nullptr when the table has none.
[[nodiscard]] const source::Column *chunk_key(const source::Table &table);

/// How the table would be cut, and into how many chunks.
struct Cut {
    ChunkKind kind = ChunkKind::whole;
    int chunks = 1;
};
[[nodiscard]] Cut choose_cut(const source::Table &table, const TaskConfig::Copy &config, int server_version);

/// Boundaries between `chunks` chunks of about equal size, from a sample of keys in any order; fewer when keys repeat.
[[nodiscard]] std::vector<std::int64_t> boundaries_of(std::vector<std::int64_t> sample, int chunks);

/// Pure: the chunks of a cut. `boundaries` are for kind `key`. Together they hold every possible row, each exactly
/// once.
[[nodiscard]] std::vector<Chunk> make_chunks(const source::Table &table, Cut cut,
                                             const std::vector<std::int64_t> &boundaries, Lsn sync_lsn);

/// Chooses, samples keys through `source` (which has imported the snapshot) where needed, and makes the chunks.
/// A table that meets rows on the target is never cut by blocks, because it could not begin anew; `whole`: nor by keys.
[[nodiscard]] std::vector<Chunk> plan_chunks(pg::Session &source, const source::Table &table,
                                             const TaskConfig::Copy &config, Lsn sync_lsn,
                                             Existing existing = Existing::none, bool whole = false);

} // namespace walbridge::copy
