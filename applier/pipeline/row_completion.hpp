// row_completion.hpp: long values that a change does not bring although the target needs them, from the source itself.
//
// An UPDATE that leaves a long value as it is does not bring it, and the target keeps its own. Where the update moves
// the row into the task's filter the target has none: the plugin sends an insert with unchanged values, and what they
// are is read with the copy's own expressions and filter (source/shape.hpp), so nothing masked leaks.
//
// What the source has by then is younger than the change. That is right in the end, because everything else of the row
// comes from the stream: whatever changes the value until then brings it, and a row that is gone by then is going to be
// deleted, so it may stand there with a placeholder until its deletion comes. One thing would break this: an update
// that gives such a row another key and does not bring the value either. So the values of every such update of a
// filtered table are read as well, by the new key.
#pragma once

#include "base/postgres/session.hpp"
#include "change/batch.hpp"
#include "config/task_config.hpp"

#include <functional>
#include <memory>
#include <unordered_map>

namespace walbridge::pipeline {

/// Thrown where a transaction in progress needs values that only its commit makes visible: it has to be received as a
/// whole.
struct WholeTransactionsWanted {};

/// One per stream, used on the decoder's thread.
class RowCompletion {
  public:
    /// `config` must outlive the object. `ended` is asked while a commit is waited for: true = give up.
    RowCompletion(const TaskConfig &config, std::function<bool()> ended);
    RowCompletion(const RowCompletion &) = delete;
    RowCompletion &operator=(const RowCompletion &) = delete;
    ~RowCompletion();

    /// Whether the task filters rows at all.
    [[nodiscard]] static bool may_be_needed(const TaskConfig &config);

    /// Completes the change in place, with values that live as long as the batch; most changes need nothing. Opens a
    /// session on the source when the first one does. Throws Error(unidentified) naming table and column when the
    /// column has another name by now, or when nothing can stand in for it, Error(resource) when the transaction does
    /// not become visible, SqlError, and WholeTransactionsWanted when it is in progress.
    void complete(RowChange &change, const TransactionBegin &begin, bool in_progress, ChangeBatch &batch);

  private:
    struct Lookup;
    const Lookup *lookup_of(const Relation &relation);
    std::unique_ptr<Lookup> make_lookup(const Relation &relation);
    pg::Session &source();
    std::optional<pg::Result> read_now(const RowChange &change, const TransactionBegin &begin);
    std::optional<pg::Result> read(const Lookup &lookup, const RowChange &change, const TransactionBegin &begin);

    const TaskConfig &config_;
    const std::function<bool()> ended_;
    std::optional<pg::Session> source_;
    std::unordered_map<std::uint32_t, std::unique_ptr<Lookup>> lookups_; ///< by relation number; null = not filtered
};

} // namespace walbridge::pipeline
