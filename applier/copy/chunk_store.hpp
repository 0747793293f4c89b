// chunk_store.hpp: rows of walbridge.table_sync. Everything runs through the caller's transaction on the target.
#pragma once

#include "base/sql/session.hpp"
#include "copy/chunk.hpp"

#include <string>
#include <vector>

namespace walbridge::copy {

void store_chunks(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks);

/// By table and chunk number.
[[nodiscard]] std::vector<Chunk> load_chunks(sql::Session &target, const std::string &task);

/// Replaces all chunks of a table; the rule it is copied by (table_sync.rule) stays.
void replace_chunks(sql::Session &target, const std::string &task, std::uint32_t source_oid,
                    const std::vector<Chunk> &chunks);

/// Marks a table as begun: from now on its rows on the target are ours.
void mark_started(sql::Session &target, const std::string &task, std::uint32_t source_oid);

/// Locks the chunks' rows until the transaction ends. Returns which of the chunks (by place) are open; a chunk is done
/// already when an earlier COMMIT of ours landed though its answer was lost. While an older session's COMMIT is under
/// way this waits for it.
[[nodiscard]] std::vector<bool> lock_open_chunks(sql::Session &target, const std::string &task,
                                                 const std::vector<Chunk> &chunks);

/// The last statement of the chunks' transaction. Throws Error(fenced) when a row is not ours any more.
void finish_chunks(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks);

} // namespace walbridge::copy
