// verify.cpp: rounds of a run: snapshots, tables, ranges given to workers, results put together.
//
// The calling thread plans; config.verify.workers threads compare ranges, each with sessions of its own. Tables that
// were rewritten since the snapshots were taken wait for the next round, which has younger ones.
#include "verify/verify.hpp"

#include "base/hold_board.hpp"
#include "base/log.hpp"
#include "base/throttle.hpp"
#include "config/existing_tables.hpp"
#include "source/common_columns.hpp"
#include "source/source_guard.hpp"
#include "verify/changes.hpp"
#include "verify/range_comparer.hpp"
#include "verify/run_store.hpp"
#include "verify/sequences.hpp"
#include "verify/snapshot_pair.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace walbridge::verify {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int rounds = 3;
/// Changed rows that one statement looks up.
constexpr std::size_t keys_at_a_time = 2000;

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

constexpr std::array<std::pair<Mode, std::string_view>, 5> modes{{{Mode::full, "full"},
                                                                  {Mode::count, "count"},
                                                                  {Mode::sample, "sample"},
                                                                  {Mode::changed, "changed"},
                                                                  {Mode::schema, "schema"}}};

/// One table of a round.
struct Work {
    TablePair pair;
    std::vector<PlannedRange> ranges;
    std::vector<std::vector<std::vector<std::string>>> keys; ///< changed ones, for each range
    std::optional<Lsn> unchanged_since;                      ///< nothing has to be read
    std::string out_of_date;                                 ///< why it needs younger snapshots
    std::string failed;
    std::size_t before = 0; ///< ranges that were compared under earlier snapshots
    double seconds = 0;
    [[nodiscard]] std::uint64_t bytes_of_range() const {
        if (!keys.empty()) return 0;
        return (pair.source_bytes + pair.target_bytes) / std::max<std::size_t>(ranges.size(), 1);
    }
};

class Round {
  public:
    Round(const TaskConfig &config, const Options &options, DigestForm form, const SnapshotPair &snapshots,
          RunStore &store, Throttle &throttle, const StopToken &stop)
        : config_(config), options_(options), form_(form), snapshots_(snapshots), store_(store), throttle_(throttle),
          stop_(stop) {}

    /// Throws the first error that is not one table's own.
    void run(std::vector<Work> &tables) {
        for (auto &table : tables)
            for (std::size_t number = 0; number < table.ranges.size(); ++number)
                if (!table.ranges[number].result) pieces_.push_back({&table, number});
        // What takes longest first, so that the end does not wait for a single worker.
        std::stable_sort(pieces_.begin(), pieces_.end(), [](const auto &a, const auto &b) {
            return a.table->bytes_of_range() > b.table->bytes_of_range();
        });
        std::vector<std::thread> threads;
        const auto count = std::min<std::size_t>(static_cast<std::size_t>(config_.verify.workers), pieces_.size());
        for (std::size_t worker = 0; worker < count; ++worker) threads.emplace_back([this] { work(); });
        for (auto &thread : threads) thread.join();
        if (error_) std::rethrow_exception(error_);
    }

  private:
    struct Piece {
        Work *table;
        std::size_t number;
    };

    std::optional<Piece> next() {
        const std::lock_guard lock(mutex_);
        while (!error_ && next_ < pieces_.size()) {
            const auto piece = pieces_[next_++];
            if (piece.table->out_of_date.empty() && piece.table->failed.empty()) return piece;
        }
        return std::nullopt;
    }

    /// A stop was requested, or another worker failed: a hold may take hours.
    bool ending() {
        const std::lock_guard lock(mutex_);
        return stop_.requested() || error_ != nullptr;
    }

    void work() {
        try {
            RangeComparer comparer(config_, options_, form_, snapshots_, stop_);
            while (const auto piece = next()) {
                if (!throttle_.pass({.bytes = piece->table->bytes_of_range() / 2}, [&] { return ending(); })) break;
                take(comparer, *piece);
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            if (!error_) error_ = std::current_exception();
        }
    }

    void take(RangeComparer &comparer, const Piece &piece) {
        auto &table = *piece.table;
        const auto began = Clock::now();
        try {
            auto result = table.keys.empty() ? comparer.compare(table.pair, table.ranges[piece.number].range)
                                             : comparer.compare_keys(table.pair, table.keys[piece.number]);
            store_.done(table.pair, piece.number, result);
            const std::lock_guard lock(mutex_);
            table.ranges[piece.number].result = std::move(result);
            table.seconds += seconds_since(began);
        } catch (const OutOfDate &reason) {
            const std::lock_guard lock(mutex_);
            table.out_of_date = reason.reason;
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect) throw;
            const std::lock_guard lock(mutex_);
            if (error.recovery() == Recovery::retry_transaction) // locked for long: perhaps not in the next round
                table.out_of_date = error.reason();
            else
                table.failed = fmt::format("{}: {}", error.object(), error.reason());
        }
    }

    const TaskConfig &config_;
    const Options &options_;
    const DigestForm form_;
    const SnapshotPair &snapshots_;
    RunStore &store_;
    Throttle &throttle_;
    const StopToken &stop_;
    std::mutex mutex_;
    std::vector<Piece> pieces_;
    std::size_t next_ = 0;
    std::exception_ptr error_;
};

std::vector<PlannedRange> fresh_ranges(SnapshotPair &snapshots, const TablePair &table, const TaskConfig &config,
                                       const Options &options) {
    auto bytes = options.range_bytes;
    if (config.verify.bytes_per_second != 0) bytes = std::min(bytes, config.verify.bytes_per_second);
    std::vector<PlannedRange> planned;
    for (auto &range : cut(snapshots.source(), table, std::max<std::uint64_t>(bytes, 1)))
        planned.push_back({range, {}});
    return planned;
}

/// Only what changed since the table was found equal, where that is known.
void take_changes(Work &work, RunStore &store, const SnapshotPair &snapshots, Result &result) {
    const auto equal_at = store.equal_at(work.pair);
    auto changes = changes_of(work.pair, equal_at, snapshots.changes_complete_since(), snapshots.changed());
    if (!changes.known) {
        result.notes.push_back(
            fmt::format("{} is compared as a whole: {}", to_string(work.pair.source.name), changes.reason));
        return;
    }
    if (changes.keys.empty()) {
        work.unchanged_since = equal_at;
        return;
    }
    for (std::size_t first = 0; first < changes.keys.size(); first += keys_at_a_time) {
        const auto last = std::min(first + keys_at_a_time, changes.keys.size());
        work.keys.emplace_back(changes.keys.begin() + static_cast<std::ptrdiff_t>(first),
                               changes.keys.begin() + static_cast<std::ptrdiff_t>(last));
        work.ranges.emplace_back();
    }
}

/// "public.a is compared without note, size (only on the source) and seen_at (only on the target)".
std::string uncompared(const TablePair &pair) {
    auto text = fmt::format("{} is compared without ", to_string(pair.source.name));
    if (!pair.left_out.empty()) text += source::listed(pair.left_out) + " (only on the source)";
    if (!pair.left_out.empty() && !pair.only_there.empty()) text += " and ";
    if (!pair.only_there.empty()) text += source::listed(pair.only_there) + " (only on the target)";
    return text;
}

Error stopped(const TaskConfig &config) {
    return {ErrorKind::task_state, fmt::format("verification of task {}", config.name), "it was stopped",
            "walbridge verify --resume goes on with what is left."};
}

/// Whether the task's process has shown itself within the last seconds.
bool process_answers(const TaskConfig &config) {
    pg::Session target(config.target.endpoint, session_options(config, "verify"));
    return target
        .value("SELECT 1 FROM walbridge.task WHERE task = $1 AND holder IS NOT NULL AND NOT paused AND phase = "
               "'follow' AND status_at > pg_catalog.clock_timestamp() - interval '5 s'",
               {config.name})
        .has_value();
}

TableResult conclude(const Work &work, const Options &options) {
    TableResult result;
    result.source = work.pair.source.name;
    result.target = work.pair.target.name;
    result.failed = !work.pair.failed.empty() ? work.pair.failed : work.failed;
    result.seconds = work.seconds;
    if (options.mode == Mode::count)
        result.how = "count";
    else if (work.unchanged_since)
        result.how = "unchanged since " + to_string(*work.unchanged_since);
    else if (!work.keys.empty())
        result.how = "changed rows";
    else
        result.how = fmt::format("{}{}", options.mode == Mode::sample ? "sample, " : "",
                                 work.pair.key.empty()    ? "as a multiset"
                                 : work.ranges.size() > 1 ? "key ranges"
                                                          : "whole table");
    if (!result.failed.empty()) return result;
    if (work.keys.empty() && !work.unchanged_since) result.bytes = work.pair.source_bytes + work.pair.target_bytes;
    for (const auto &planned : work.ranges) {
        const auto &range = *planned.result;
        result.source_rows += range.source_rows;
        result.target_rows += range.target_rows;
        result.missing += range.missing;
        result.extra += range.extra;
        result.differing += range.differing;
        result.at_least = result.at_least || range.at_least;
        for (const auto &row : range.rows)
            if (result.rows.size() < options.listed) result.rows.push_back(row);
    }
    return result;
}

} // namespace

std::optional<Mode> parse_mode(std::string_view name) {
    for (const auto &[mode, text] : modes)
        if (text == name) return mode;
    return std::nullopt;
}

std::string_view name_of(Mode mode) {
    for (const auto &[known, text] : modes)
        if (known == mode) return text;
    return {};
}

bool Result::equal() const { return differences() == 0; }

std::uint64_t Result::differences() const {
    std::uint64_t sum = sequences.size();
    for (const auto &table : tables) sum += table.failed.empty() ? table.missing + table.extra + table.differing : 1;
    return sum;
}

Result compare(const TaskConfig &config, const Options &options, const StopToken &stop) {
    const auto began = Clock::now();
    Result result;
    if (options.mode == Mode::schema) return result;
    RunStore store(config, options);
    result.run = store.run();
    Throttle throttle;
    throttle.set({.bytes = config.verify.bytes_per_second});
    HoldBoard board;
    std::optional<source::GuardWatch> guard;
    if (options.guarded && config.guard.on()) guard.emplace(config, "verification", throttle, board);
    std::vector<QualifiedName> wanted = options.tables;
    // Only the process knows what changed; behind a fence it stands still anyway.
    auto stillness = options.stillness;
    if (options.mode == Mode::changed && stillness == Stillness::fenced && process_answers(config))
        stillness = Stillness::process;
    for (int round = 1;; ++round) {
        // Before snapshots keep row versions alive on both sides.
        if (!throttle.pass({}, [&] { return stop.requested(); })) throw stopped(config);
        SnapshotPair snapshots(config, stillness, options.patience, stop,
                               options.mode == Mode::changed ? store.oldest_equal() : std::nullopt);
        result.position = snapshots.position();
        result.held_seconds += snapshots.held_seconds();
        log::info("the snapshots of both sides belong together",
                  {{"position", to_string(snapshots.position())},
                   {"held_ms", static_cast<long>(snapshots.held_seconds() * 1000)},
                   {"source_snapshots", snapshots.attempts()}});
        const auto form = common_form(snapshots);
        std::vector<Work> tables;
        for (auto &pair : pair_tables(config, wanted, snapshots, round == 1)) {
            Work work;
            work.pair = std::move(pair);
            if (options.mode == Mode::changed && work.pair.failed.empty()) take_changes(work, store, snapshots, result);
            if (work.pair.failed.empty() && work.keys.empty() && !work.unchanged_since) {
                auto known = store.stored(work.pair);
                if (!known) {
                    known = fresh_ranges(snapshots, work.pair, config, options);
                    store.plan(work.pair, *known);
                }
                work.ranges = std::move(*known);
                work.before =
                    static_cast<std::size_t>(std::count_if(work.ranges.begin(), work.ranges.end(),
                                                           [](const auto &range) { return range.result.has_value(); }));
                if (work.before != 0)
                    result.notes.push_back(fmt::format("{} of {} ranges of {} were compared at an earlier position",
                                                       work.before, work.ranges.size(),
                                                       to_string(work.pair.source.name)));
            }
            if (!work.pair.left_out.empty() || !work.pair.only_there.empty())
                result.notes.push_back(uncompared(work.pair));
            tables.push_back(std::move(work));
        }
        Round(config, options, form, snapshots, store, throttle, stop).run(tables);
        wanted.clear();
        for (auto &work : tables) {
            if (!work.out_of_date.empty() && round < rounds && !stop.requested()) {
                log::info("a table is compared again under younger snapshots",
                          {{"table", to_string(work.pair.source.name)}, {"reason", work.out_of_date}});
                wanted.push_back(work.pair.source.name);
                continue;
            }
            if (!work.out_of_date.empty()) work.failed = work.out_of_date;
            if (stop.requested()) throw stopped(config);
            result.tables.push_back(conclude(work, options));
            const auto &table = result.tables.back();
            if ((options.mode == Mode::full || options.mode == Mode::changed) && table.equal() && work.before == 0)
                store.equal(work.pair, snapshots.position());
            else if (!table.equal())
                store.differs(work.pair);
            result.rows += table.source_rows + table.target_rows;
            result.bytes += table.bytes;
        }
        if (wanted.empty()) break;
    }
    std::sort(result.tables.begin(), result.tables.end(),
              [](const auto &a, const auto &b) { return a.source < b.source; });
    if (proceeds_with_existing(config) && !result.equal())
        result.notes.push_back(
            "objects.existing is \"proceed\": rows that the target held before are extra ones, and those that the copy "
            "kept have other values until the source changes them (walbridge status says how many)");
    guard.reset();
    if (const auto held = board.view(); held.times != 0)
        result.notes.push_back(fmt::format("the source guard held the comparison {} times, {:.1f} s in all", held.times,
                                           held.held_seconds));
    if (options.sequences && options.tables.empty() && options.mode != Mode::count) {
        auto sequences = compare_sequences(config, options.stillness, stop); // exactly, behind a fence
        result.sequences_compared = sequences.compared;
        result.sequences = std::move(sequences.differences);
    }
    store.finish(result.position, result.differences());
    result.seconds = seconds_since(began);
    return result;
}

} // namespace walbridge::verify
