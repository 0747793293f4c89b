// reconcile.hpp: before a pass under a newer snapshot: what is kept of unfinished tables, what starts again, what is
// gone.
// - kept: finished tables; finished key chunks of a table that is the same as when it was planned.
// - restarted: tables cut by blocks, and tables rewritten, truncated, altered or renamed on the source since they were
//   planned; emptied on the target, brought to the new definition (with a schema stage), cut anew.
//   Tables that were on the target before the task keep their definition; once rows of ours are mixed with others
//   there, they cannot start again.
// - gone: tables dropped or renamed out of the selection; one finished chunk remains, whose sync LSN says that every
//   older change of theirs is spent.
#pragma once

#include "copy/pass.hpp"

#include <map>
#include <set>
#include <vector>

namespace walbridge::copy {

enum class Fate { keep, restart, gone };

/// Pure: what a table's stored chunks and its state under the new snapshot (nullptr = not there or not selected) call
/// for.
struct Judgement {
    Fate fate = Fate::keep;
    bool new_definition = false; ///< columns or name differ from those the target was made by
};
[[nodiscard]] Judgement judge(const std::vector<Chunk> &chunks, const source::Table *now);

/// Throws Error(copy_stage) when the table cannot start again: it holds rows that were there before the task, and
/// nothing tells them from those that were copied.
void refuse_mixed_restart(const std::vector<Chunk> &chunks, const NameMap &names);
/// What a table that starts again is cut into.
[[nodiscard]] std::vector<Chunk> plan_again(pg::Session &source, const source::Table &table,
                                            const std::vector<Chunk> &chunks, const TaskConfig &config, Lsn sync_lsn);

struct Reconciled {
    std::vector<Chunk> chunks; ///< all of the task, as they are now
    /// Tables that the source altered once more after the snapshot, while their definition was read: what a snapshot
    /// shows of them and what the server says of them do not fit together. Left as they were; they need a newer one.
    std::set<std::uint32_t> changed_again;
};

/// Writes the outcome to the target. `source` has imported the snapshot.
[[nodiscard]] Reconciled reconcile(const LoadContext &context, pg::Session &source,
                                   const source::ExportedSnapshot &snapshot,
                                   const std::map<std::uint32_t, source::Table> &tables, pg::Session &target,
                                   const std::vector<Chunk> &chunks);

} // namespace walbridge::copy
