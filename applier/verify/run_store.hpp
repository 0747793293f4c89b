// run_store.hpp: what a run has compared so far, in the target's walbridge.verify_*: a run that was killed goes on with
// what is missing, and the next one knows which tables were found equal. Safe from every thread.
#pragma once

#include "verify/range.hpp"
#include "verify/range_comparer.hpp"
#include "verify/verify.hpp"

#include <mutex>

namespace walbridge::verify {

/// A range with what was found, when it was compared already.
struct PlannedRange {
    Range range;
    std::optional<RangeResult> result;
};

class RunStore {
  public:
    /// Begins a run, or goes on with the last unfinished one of the same kind. Throws Error(task_state) when there is
    /// none to go on with.
    RunStore(const TaskConfig &config, const Options &options);

    [[nodiscard]] std::int64_t run() const { return run_; }
    /// Goes on with an older run.
    [[nodiscard]] bool resumed() const { return resumed_; }
    /// The ranges of a table as stored; nullopt when there are none or the table is another by now.
    [[nodiscard]] std::optional<std::vector<PlannedRange>> stored(const TablePair &table);
    void plan(const TablePair &table, const std::vector<PlannedRange> &ranges);
    void done(const TablePair &table, std::size_t number, const RangeResult &result);
    /// Where a table was last found equal; nullopt = never, or it has other columns since.
    [[nodiscard]] std::optional<Lsn> equal_at(const TablePair &table);
    /// The oldest of those positions; nullopt = no table was ever found equal.
    [[nodiscard]] std::optional<Lsn> oldest_equal();
    void equal(const TablePair &table, Lsn position);
    void differs(const TablePair &table);
    void finish(Lsn position, std::uint64_t differences);

  private:
    std::mutex mutex_;
    const std::string task_;
    pg::Session session_;
    std::int64_t run_ = 0;
    bool resumed_ = false;
};

} // namespace walbridge::verify
