// progress.hpp: how far the initial load is, for the status reporter and the progress bar.
// Thread-safe: workers add, the reporter takes a snapshot each second. Nothing here is durable: the truth is
// walbridge.table_sync.
#pragma once

#include "base/hold_board.hpp"
#include "base/qualified_name.hpp"
#include "base/retry_board.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace walbridge::copy {

enum class Phase { waiting, before_data, data, indexes, foreign_keys, after_data, statistics, done };

[[nodiscard]] std::string_view name_of(Phase phase);

struct TableProgress {
    QualifiedName table;
    std::uint64_t rows = 0, bytes = 0; ///< copied, those of an unfinished chunk included
    std::uint64_t estimated_rows = 0,
                  estimated_bytes = 0; ///< from the source's statistics; `bytes` is of the transfer format
    int chunks = 0, chunks_done = 0;
    [[nodiscard]] bool done() const { return chunks == chunks_done; }
};

class Progress {
  public:
    struct Snapshot {
        Phase phase = Phase::waiting;
        std::vector<TableProgress> tables; ///< in the order of their names
        int items = 0, items_done = 0;     ///< schema objects of the current phase
    };

    [[nodiscard]] Snapshot snapshot() const;

    void enter(Phase phase, int items = 0);
    void item_done();
    /// Replaces what is known about a table (a plan was made or loaded, a table starts again).
    void set_table(TableProgress table);
    void remove_table(const QualifiedName &table);
    /// Adds rows and bytes of a running chunk; negative when a chunk was rolled back.
    void add(const QualifiedName &table, std::int64_t rows, std::int64_t bytes);
    void chunk_done(const QualifiedName &table);

    RetryBoard retries; ///< of the load's threads
    HoldBoard guard;    ///< when the source guard holds the copy

  private:
    mutable std::mutex mutex_;
    Phase phase_ = Phase::waiting;
    int items_ = 0, items_done_ = 0;
    std::map<QualifiedName, TableProgress> tables_;
};

} // namespace walbridge::copy
