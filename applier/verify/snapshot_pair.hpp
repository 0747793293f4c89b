// snapshot_pair.hpp: a snapshot of the source and one of the target that hold the same transactions, exported for any
// number of sessions. One object, one thread; names and figures may be read by others.
//
// How the two are brought together is the caller's Stillness:
// - process: the running task is asked through walbridge.verify_alignment to hold its apply; the source's snapshot is
//   taken; the process applies what it shows and nothing else; the target's snapshot is taken, and proves by the
//   progress row it sees that it is of that moment; apply goes on.
// - stopped: nobody applies. The slot's changes behind the stored position are looked at: there must be none.
// - fenced: the caller vouches.
//
// Both snapshots keep VACUUM from removing what they show as long as the object lives.
#pragma once

#include "base/lsn.hpp"
#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "verify/verify.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::verify {

class SnapshotPair {
  public:
    /// Throws Error: task_state (no alignment possible and why), timeout, connection.
    /// `keys_since`: the keys of rows that changed behind that position are wanted too. `while_held` runs before apply
    /// goes on, which it may after 15 seconds.
    SnapshotPair(const TaskConfig &config, Stillness stillness, std::chrono::milliseconds patience,
                 const StopToken &stop, std::optional<Lsn> keys_since = std::nullopt,
                 std::function<void(SnapshotPair &)> while_held = {});

    /// The sessions that export the snapshots, in their transactions: for the catalogs as of the snapshots.
    [[nodiscard]] pg::Session &source() { return source_; }
    [[nodiscard]] pg::Session &target() { return target_; }
    /// For SET TRANSACTION SNAPSHOT.
    [[nodiscard]] const std::string &source_name() const { return source_name_; }
    [[nodiscard]] const std::string &target_name() const { return target_name_; }
    /// Read on the source right after its snapshot was taken.
    [[nodiscard]] Lsn taken_before() const { return taken_before_; }
    /// Of the progress row in the target's snapshot.
    [[nodiscard]] Lsn position() const { return position_; }
    [[nodiscard]] double held_seconds() const { return held_seconds_; }
    [[nodiscard]] int attempts() const { return attempts_; }

    struct ChangedKey {
        QualifiedName table;                      ///< on the source; empty = every table
        Lsn since;                                ///< the change came behind this position
        std::vector<std::string> columns, values; ///< empty = any row of the table
    };
    /// changed() holds every change behind it; nullopt = it is not known what changed.
    [[nodiscard]] std::optional<Lsn> changes_complete_since() const { return complete_since_; }
    [[nodiscard]] const std::vector<ChangedKey> &changed() const { return changed_; }

  private:
    void align(const TaskConfig &config, std::chrono::milliseconds patience, const StopToken &stop);
    bool hold_once(const TaskConfig &config, const StopToken &stop);
    void catch_up(const TaskConfig &config, std::chrono::milliseconds patience, const StopToken &stop);
    void reach_source(const TaskConfig &config, std::chrono::milliseconds patience, const StopToken &stop);
    void prove_nothing_is_missing(const TaskConfig &config);
    std::string take_source();
    void read_keys(pg::Session &control, const TaskConfig &config, const std::string &request);
    void take_target(const TaskConfig &config);

    pg::Session source_, target_;
    std::string source_name_, target_name_;
    Lsn taken_before_, position_;
    std::string epoch_;
    double held_seconds_ = 0;
    int attempts_ = 0;
    std::optional<Lsn> keys_since_, complete_since_;
    std::vector<ChangedKey> changed_;
    std::function<void(SnapshotPair &)> while_held_;
};

/// The fixed settings under which values have one text everywhere, beside those of every session.
[[nodiscard]] pg::ConnectOptions session_options(const TaskConfig &config, const std::string &what);

} // namespace walbridge::verify
