// range_comparer.hpp: compares one range of one table on both sides, in four steps of which equal ranges need one:
// sums of digests; sums per bucket of digests; keys and digests of the rows in buckets that differ; whole rows to show.
//
// Owns one session on each side and belongs to one thread. Every range is read in a transaction of its own under the
// shared snapshots, so that locks on tables are held for a range and not for a run.
#pragma once

#include "verify/range.hpp"
#include "verify/snapshot_pair.hpp"
#include "verify/table_pair.hpp"
#include "verify/verify.hpp"

#include <optional>

namespace walbridge::verify {

/// Thrown when a table was rewritten, truncated or altered since the snapshots were taken: it looks empty or otherwise
/// wrong under them and needs younger ones.
struct OutOfDate {
    std::string reason;
};

struct RangeResult {
    std::uint64_t source_rows = 0, target_rows = 0;
    std::uint64_t missing = 0, extra = 0, differing = 0;
    bool at_least = false;
    std::vector<RowDifference> rows; ///< at most Options::listed
};

class RangeComparer {
  public:
    RangeComparer(const TaskConfig &config, const Options &options, DigestForm form, const SnapshotPair &snapshots,
                  const StopToken &stop);

    /// Throws OutOfDate, Error.
    RangeResult compare(const TablePair &table, const Range &range);
    /// The rows with these keys only (texts of the key columns).
    RangeResult compare_keys(const TablePair &table, const std::vector<std::vector<std::string>> &keys);

  private:
    struct Scan; ///< what is read of each side
    struct Both {
        pg::Result source, target;
    };
    void open(const TablePair &table);
    void check(const TablePair &table);
    void close();
    Both ask(const std::string &source, const std::string &target);
    RangeResult compare(const TablePair &table, const Scan &scan);
    void find_rows(const TablePair &table, const Scan &scan, RangeResult &result);
    void show(const TablePair &table, const Scan &scan, RowDifference &row,
              const std::optional<std::int64_t> &source_digest, const std::optional<std::int64_t> &target_digest);

    const Options &options_;
    const DigestForm form_;
    const SnapshotPair &snapshots_;
    const StopToken &stop_;
    pg::Session source_, target_;
};

} // namespace walbridge::verify
