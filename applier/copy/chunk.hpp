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

/// What the target had of the table when the load was planned (objects.existing = "proceed").
enum class Existing {
    none,  ///< nothing: the table is the task's own
    empty, ///< the table, without rows: it is copied into as if it were ours, and its definition stays
    rows,  ///< rows as well: the copy meets them, and what it copied cannot be told from them afterwards
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
    Existing existing = Existing::none;
    std::uint64_t rows = 0, bytes = 0;
    std::uint64_t kept = 0; ///< of `rows`, those that did not arrive: the target had a row with one of their keys
    std::uint64_t overwritten = 0; ///< rows of the target that those of the source replaced
    std::uint64_t estimated_rows = 0, estimated_bytes = 0;
    std::string fingerprint; ///< of the table's storage and columns under the snapshot that planned it
};

[[nodiscard]] std::string_view name_of(Existing existing);
[[nodiscard]] std::optional<Existing> existing_of(std::string_view name);
[[nodiscard]] std::string_view name_of(ChunkKind kind);
[[nodiscard]] std::optional<ChunkKind> chunk_kind(std::string_view name);

} // namespace walbridge::copy
