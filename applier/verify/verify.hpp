// verify.hpp: compares the rows of both sides of a task at one and the same point of the source's history.
//
// Both sides are read under snapshots that belong together (snapshot_pair.hpp): what the source's snapshot shows is
// exactly what the target's snapshot holds. Digests of rows are computed and added up in the databases; rows travel
// only where sums differ. Nothing here waits for changes to settle or looks at a row twice.
#pragma once

#include "base/lsn.hpp"
#include "base/qualified_name.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::verify {

enum class Mode {
    full,    ///< every value of every row
    count,   ///< numbers of rows
    sample,  ///< every value of a share of the rows, chosen by their keys
    changed, ///< the rows whose keys changed since their table was found equal, every row of tables that never were
    schema,  ///< no rows
};

/// "full", "count", ...; nullopt for anything else.
[[nodiscard]] std::optional<Mode> parse_mode(std::string_view name);
[[nodiscard]] std::string_view name_of(Mode mode);

/// What makes the two sides stand still together for the moment in which their snapshots are taken.
enum class Stillness {
    process, ///< the task's process runs and holds its apply for some milliseconds
    stopped, ///< no process runs; the slot proves that the source holds nothing that the target lacks
    fenced,  ///< the caller knows that nothing moves: the source is fenced and the target has applied the fence
};

struct Options {
    Mode mode = Mode::full;
    Stillness stillness = Stillness::process;
    double sample_percent = 1;
    std::vector<QualifiedName> tables; ///< by the source's names; empty = all selected ones
    std::size_t listed = 20;           ///< differences shown per table; all are counted
    bool repair = false;   ///< make the statements that repair them, for up to repaired_at_most of each table
    bool resume = false;   ///< go on with the last unfinished run
    bool sequences = true; ///< compare them as well, when `tables` is empty
    bool guarded = false;  ///< the source guard may hold it (never behind a switchover's fence)
    std::uint64_t range_bytes = std::uint64_t{64} << 20;         ///< of a table compared at a time, on each side
    std::chrono::milliseconds patience{std::chrono::minutes(5)}; ///< for the target to catch up before the snapshots
};

/// A value as text, cut to 64 KiB; nullopt = NULL.
using Text = std::optional<std::string>;

struct RowDifference {
    enum class Kind { missing, extra, differs };
    Kind kind = Kind::differs;                     ///< missing, extra: on the target
    std::vector<std::pair<std::string, Text>> key; ///< columns that identify the row; all columns without a key
    struct Column {
        std::string name;
        Text source, target;
    };
    std::vector<Column> columns;                    ///< those that differ
    std::uint64_t source_rows = 0, target_rows = 0; ///< of tables without a key: how often the row is there
    std::string repair;                             ///< statements for the target; only when they were asked for
};

struct TableResult {
    QualifiedName source, target;
    std::string how; ///< "key ranges", "whole table", "as a multiset", "changed keys", "count", "sample", "unchanged"
    std::string failed;                             ///< why it could not be compared; empty = it was
    std::uint64_t source_rows = 0, target_rows = 0; ///< compared
    std::uint64_t bytes = 0;                        ///< of storage read, both sides together, as far as known
    std::uint64_t missing = 0, extra = 0, differing = 0;
    bool at_least = false; ///< there are more differences than were counted
    std::vector<RowDifference> rows;
    double seconds = 0;

    [[nodiscard]] bool equal() const { return failed.empty() && missing + extra + differing == 0; }
};

struct SequenceDifference {
    QualifiedName source, target;
    std::optional<std::int64_t> source_value;
    bool source_called = false;
    std::string on_source, on_target; ///< "42", "42, not called yet"; empty = it does not exist
};

struct Result {
    std::int64_t run = 0; ///< number in walbridge.verify_run
    Lsn position;         ///< of the source, up to which both sides were compared
    std::vector<TableResult> tables;
    std::vector<SequenceDifference> sequences;
    std::uint64_t sequences_compared = 0;
    std::vector<std::string> notes;       ///< what the reader should know: limits of what was compared
    double seconds = 0, held_seconds = 0; ///< held: apply stood still
    std::uint64_t rows = 0, bytes = 0;
    bool complete = true; ///< false: stopped before its end; `resume` goes on

    [[nodiscard]] bool equal() const;
    /// Differing rows, sequences, and tables that could not be compared.
    [[nodiscard]] std::uint64_t differences() const;
};

/// Differences of one table for which statements are made.
inline constexpr std::size_t repaired_at_most = 100'000;

/// Compares. Throws Error when the two sides could not be aligned or read; differences are no errors.
[[nodiscard]] Result compare(const TaskConfig &config, const Options &options, const StopToken &stop);

/// The result for people, or as JSON.
[[nodiscard]] std::string as_text(const TaskConfig &config, const Options &options, const Result &result);
[[nodiscard]] std::string as_json(const TaskConfig &config, const Options &options, const Result &result);

} // namespace walbridge::verify
