// plan_forecast.cpp: see plan_forecast.hpp.
#include "task/plan_forecast.hpp"

#include "task/figures.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

/// Rows into a temporary table are not logged; into a table of its own they are, and a disk has to take both.
constexpr double logging = 2.0;
/// A sort that spills, and a machine that is not as idle as during the sample.
constexpr double spilling = 2.0;
/// How much slower a target may be than the source's reading, where it could not be tried.
constexpr double unseen_target = 4.0;

/// Bytes per second that say nothing about a working day.
constexpr double quiet_wal = 1000;
/// Built in seconds on anything that runs a server, so that nothing has to be measured.
constexpr double small_indexes = 16e6;

double bytes_per_second(const std::vector<TableSample> &samples, const QualifiedName *table) {
    double bytes = 0, seconds = 0;
    for (const auto &sample : samples) {
        if (table != nullptr && sample.table != *table) continue;
        bytes += sample.bytes;
        seconds += sample.seconds;
    }
    return seconds > 0 ? bytes / seconds : 0;
}

Range operator+(Range a, const std::optional<Range> &b) { return b ? Range{a.low + b->low, a.high + b->high} : a; }

class Forecaster {
  public:
    explicit Forecaster(const ForecastInput &input) : in_(input), samples_(input.samples) {}

    Forecast take() {
        schema();
        if (in_.full_stage) {
            copy();
            indexes();
        }
        if (in_.incremental_stage) {
            catch_up();
            retained();
        }
        return std::move(out_);
    }

  private:
    void schema() {
        if (in_.statements == 0) return;
        const auto count = static_cast<double>(in_.statements);
        // Statements share transactions and messages; a lone CREATE TABLE waits for both.
        const auto one = samples_.statement_seconds;
        if (!one) out_.unknown.emplace_back("The time of the schema stage: no statement could be tried on the target.");
        if (!one) return;
        out_.schema = Range{samples_.definitions_seconds / 2 + count * *one / 10,
                            samples_.definitions_seconds * 2 + count * *one * 2};
        out_.assumptions.push_back(
            fmt::format("Schema: reading the definitions took {}, a CREATE TABLE on the target {:.1f} ms.",
                        human_seconds(samples_.definitions_seconds), *one * 1000));
    }

    void copy() {
        const double pooled = bytes_per_second(samples_.tables, nullptr);
        double seconds = 0, bytes = 0, sampled = 0;
        for (const auto &table : in_.tables) {
            bytes += table.bytes;
            const double own = bytes_per_second(samples_.tables, &table.name);
            if (own > 0 || pooled > 0) seconds += table.bytes / (own > 0 ? own : pooled);
        }
        for (const auto &sample : samples_.tables) sampled += sample.bytes;
        if (bytes == 0) {
            out_.copy = Range{0, 1};
            return;
        }
        if (pooled <= 0) {
            out_.unknown.emplace_back("The time of the copy: no row could be read in the time of the sample.");
            return;
        }
        const int workers = std::max(in_.copy_workers, 1);
        out_.copy = Range{seconds / workers, seconds * (samples_.through_target ? logging : unseen_target) + 1};
        out_.assumptions.push_back(fmt::format(
            "Copy: {} of {} tables sampled, {} of {} at {}/s by one session{}. Low: {} workers that do not hinder each "
            "other; high: they gain nothing, and {}.",
            samples_.tables.size(), in_.tables.size(), human_bytes(sampled), human_bytes(bytes), human_bytes(pooled),
            samples_.through_target ? " into a temporary table of the target"
                                    : ", read only (the target could not be tried)",
            workers,
            samples_.through_target ? "the real tables are logged, which the temporary one is not"
                                    : fmt::format("the target takes {:.0f} times as long", unseen_target)));
        if (in_.samples.tables.size() < in_.tables.size())
            out_.assumptions.emplace_back("Tables that were not sampled count with the average of those that were.");
    }

    void indexes() {
        double bytes = 0;
        for (const auto &table : in_.tables) bytes += table.index_bytes;
        if (bytes == 0) {
            out_.indexes = Range{0, 0};
            return;
        }
        const auto rate = samples_.index_bytes_per_second;
        if ((!rate || *rate <= 0) && samples_.through_target && bytes < small_indexes) {
            out_.indexes = Range{0, 10};
            out_.assumptions.push_back(
                fmt::format("Indexes: {} of them on the source, too few to measure any.", human_bytes(bytes)));
            return;
        }
        if (!rate || *rate <= 0) {
            out_.unknown.emplace_back("The time of the indexes: too few rows were sampled to time one on the target.");
            return;
        }
        const double seconds = bytes / *rate;
        out_.indexes = Range{seconds / (2.0 * std::max(in_.index_workers, 1)), seconds * spilling + 1};
        out_.assumptions.push_back(fmt::format(
            "Indexes: {} of them on the source, one built at {}/s on the sampled rows. Low: {} at once, each with a "
            "parallel worker; high: one after the other and twice as slow, as a sort that does not fit into memory "
            "is.",
            human_bytes(bytes), human_bytes(*rate), std::max(in_.index_workers, 1)));
        out_.unknown.emplace_back(
            "Foreign keys, constraints that are checked, materialized views and statistics behind the copy.");
    }

    [[nodiscard]] Range before_following() const { return Range{} + out_.schema + out_.copy + out_.indexes; }
    [[nodiscard]] bool copy_is_known() const { return !in_.full_stage || (out_.copy && out_.indexes); }

    void catch_up() {
        if (!copy_is_known()) {
            out_.unknown.emplace_back("The time to catch up: it follows from the time of the copy.");
            return;
        }
        const auto before = before_following();
        const double rows = samples_.rates.rows;
        const auto seconds = [&](double backlog_seconds, double rate) {
            return rows * backlog_seconds / (rate - rows);
        };
        if (rows >= assumed_apply_rate.low)
            out_.warnings.push_back(fmt::format(
                "The source changed {} rows/s during the sample: at that rate the incremental stage may not catch up. "
                "See apply.workers.",
                human_count(static_cast<std::uint64_t>(rows))));
        if (rows >= assumed_apply_rate.high) {
            out_.unknown.emplace_back("The time to catch up: the source changes faster than we dare to promise.");
            return;
        }
        const double high = rows < assumed_apply_rate.low ? seconds(before.high, assumed_apply_rate.low)
                                                          : seconds(before.high, assumed_apply_rate.high) * 10;
        out_.catch_up = Range{seconds(before.low, assumed_apply_rate.high), high + 1};
        out_.assumptions.push_back(fmt::format(
            "Catching up: {:.1f} rows/s and {:.1f} transactions/s changed on the source's database during {:.1f} s, "
            "unselected tables included; {} to {} rows/s applied is assumed, not measured.",
            rows, samples_.rates.transactions, samples_.rates.seconds,
            human_count(static_cast<std::uint64_t>(assumed_apply_rate.low)),
            human_count(static_cast<std::uint64_t>(assumed_apply_rate.high))));
    }

    void retained() {
        if (!copy_is_known() || !out_.catch_up) {
            out_.unknown.emplace_back("The WAL retained meanwhile: it follows from the time of copy and catching up.");
            return;
        }
        const auto time = before_following() + out_.catch_up;
        const auto rate = samples_.rates.wal_bytes;
        out_.wal_retained = Range{rate * time.low, rate * time.high};
        out_.assumptions.push_back(
            fmt::format("WAL: the whole cluster wrote {}/s during {:.1f} s; a load by day, a nightly job or a vacuum "
                        "can be many times that.",
                        human_bytes(rate), samples_.rates.seconds));
        if (rate < quiet_wal)
            out_.assumptions.emplace_back(
                "Next to nothing was written during the sample: plan again while the application works.");
        const double high = out_.wal_retained->high;
        if (in_.max_slot_wal_keep_size && high > static_cast<double>(*in_.max_slot_wal_keep_size))
            out_.warnings.push_back(fmt::format(
                "The slot may have to retain {}, and the source invalidates it beyond max_slot_wal_keep_size = {}: "
                "raise it for the time of the copy.",
                human_bytes(high), human_bytes(static_cast<double>(*in_.max_slot_wal_keep_size))));
        if (in_.retained_limit > 0 && high > static_cast<double>(in_.retained_limit))
            out_.warnings.push_back(fmt::format("The slot may have to retain {}, beyond slot.retained_limit = {}.",
                                                human_bytes(high),
                                                human_bytes(static_cast<double>(in_.retained_limit))));
        else if (in_.retained_warning > 0 && high > static_cast<double>(in_.retained_warning))
            out_.warnings.push_back(fmt::format("The slot may have to retain {}, beyond slot.retained_warning = {}.",
                                                human_bytes(high),
                                                human_bytes(static_cast<double>(in_.retained_warning))));
        out_.unknown.emplace_back("Whether the disks have room: SQL cannot see it. The source's pg_wal needs what is "
                                  "retained, the target's disk the size of tables and indexes, and WAL.");
    }

    const ForecastInput &in_;
    const Samples &samples_;
    Forecast out_;
};

} // namespace

Forecast forecast(const ForecastInput &input) { return Forecaster(input).take(); }

} // namespace walbridge::task
