// chunk.hpp: a piece of a table that is copied at once, and its row in walbridge.table_sync (table sync state).
// A change of the stream belongs to the copy iff its transaction's commit_lsn is smaller than the sync LSN of the row's
// chunk.
#pragma once

#include "base/lsn.hpp"
#include "base/qualified_name.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace walbridge::copy {

enum class ChunkKind {
    whole, ///< the table
    ctid,  ///< blocks [low, high) of the heap: only meaningful under one snapshot, a table starts again as a whole
    key,   ///< [low, high) of an integer key: may be copied under a snapshot of its own
};

struct Chunk {
    std::uint32_t source_oid = 0;
    QualifiedName table;
    int number = 0; ///< within the table, from 0
    ChunkKind kind = ChunkKind::whole;
    std::optional<std::int64_t> low, high; ///< inclusive, exclusive; nullopt = open
    Lsn sync_lsn;
    bool started = false, done = false;
    bool unlogged = false; ///< the table: what it holds later is not followed
    std::uint64_t rows = 0, bytes = 0;
    std::uint64_t estimated_rows = 0, estimated_bytes = 0;
    std::string fingerprint; ///< of the table's storage and columns under the snapshot that planned it
};

[[nodiscard]] std::string_view name_of(ChunkKind kind);
[[nodiscard]] std::optional<ChunkKind> chunk_kind(std::string_view name);

} // namespace walbridge::copy
