// plan_sample.cpp: two readings of the source's counters, and between them the rows of its largest tables.
#include "task/plan_sample.hpp"

#include "copy/chunk_copier.hpp"
#include "copy/pass.hpp"
#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <thread>

namespace walbridge::task {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_tables = 5;
constexpr std::uint64_t first_pages = 256, most_pages = 16384;       ///< of one step: 2 and 128 MiB
constexpr std::uint64_t whole_table_bytes = std::uint64_t{16} << 20; ///< read at once where ranges of blocks are slow
constexpr long long least_index_bytes = 100'000;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Reading {
    Clock::time_point at;
    double wal = 0, transactions = 0, rows = 0;
};

Reading read_counters(pg::Session &source) {
    const auto row = source.query(
        "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn, xact_commit, tup_inserted + tup_updated + "
        "tup_deleted FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()");
    const auto number = [&](int column) { return std::strtod(row.text(0, column).c_str(), nullptr); };
    return {Clock::now(), number(0), number(1), number(2)};
}

/// The table as the temporary one is made: types of users may not exist on the target and travel as text, which is
/// what the copy does with them.
source::Table stand_in(const source::Table &table) {
    auto copy = table;
    copy.name = {"pg_temp", "walbridge_sample"};
    for (auto &column : copy.columns) {
        column.generated = '\0';
        if (column.type_oid < 16384) continue;
        column.type_oid = 25;
        column.type = "text";
    }
    return copy;
}

std::string create_statement(const source::Table &table, const source::Table &original) {
    std::string columns;
    for (const auto &column : table.columns) {
        const auto *there = original.column(column.number);
        if (there != nullptr && there->generated != '\0') continue;
        columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", dialect::postgres::quote_identifier(column.name),
                               column.type);
    }
    return fmt::format("CREATE TEMPORARY TABLE walbridge_sample ({})", columns);
}

/// The columns of an index worth building: those of the table's key, else the first column.
std::string index_columns(const source::Table &table) {
    for (const auto &index : table.indexes) {
        if (!index.unique || index.expressions || index.columns.empty()) continue;
        std::vector<std::string> names;
        for (const int number : index.columns)
            if (const auto *column = table.column(number)) names.push_back(column->name);
        if (names.size() == index.columns.size()) return dialect::postgres::quote_list(names);
    }
    for (const auto &column : table.columns)
        if (column.generated == '\0') return dialect::postgres::quote_identifier(column.name);
    return {};
}

class TableSampler {
  public:
    TableSampler(const TaskConfig &config, pg::Session *target, Samples &samples, std::vector<std::string> &notes)
        : config_(config), target_(target), samples_(samples), notes_(notes) {}

    void sample(const source::Table &table, std::chrono::milliseconds time) {
        if (schema::changes_rows(config_, table.name)) // nothing that is masked or left out leaves the source
            return notes_.push_back(
                fmt::format("{} is not sampled: the task's rules choose or compute what is replicated "
                            "of it",
                            to_string(table.name)));
        try {
            one(table, Clock::now() + time);
        } catch (const SqlError &error) {
            roll_back();
            if (error.kind() == ErrorKind::connection) throw;
            notes_.push_back(fmt::format("{} could not be sampled: {}", to_string(table.name), error.reason()));
        } catch (const Error &error) {
            roll_back();
            notes_.push_back(fmt::format("{} could not be sampled: {}", to_string(table.name), error.reason()));
        }
    }

  private:
    void roll_back() {
        if (source_) source_->rollback_quietly();
        if (target_ != nullptr) target_->rollback_quietly();
    }

    void one(const source::Table &table, Clock::time_point until) {
        if (!source_) source_ = copy::open_copy_source(config_);
        source_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '1s'");
        const auto there = stand_in(table);
        if (target_ != nullptr) {
            target_->execute("BEGIN; SET LOCAL synchronous_commit = off");
            const auto begin = Clock::now();
            target_->execute(create_statement(there, table));
            if (!samples_.statement_seconds) samples_.statement_seconds = seconds_since(begin);
        }
        const auto pages = std::max<std::uint64_t>(table.pages, 1);
        TableSample sample{.table = table.name};
        const bool by_range = source_->server_version() >= 140000;
        if (!by_range && table.bytes > whole_table_bytes)
            notes_.push_back(fmt::format("{} is not sampled: before version 14 a part of a large table cannot be read "
                                         "without reading all of it",
                                         to_string(table.name)));
        else
            for (std::uint64_t from = 0, step = first_pages; from < pages && Clock::now() < until;
                 from += step, step = std::min(step * 2, most_pages)) {
                copy::Chunk chunk;
                chunk.table = table.name;
                if (by_range && (from > 0 || pages > step)) {
                    chunk.kind = copy::ChunkKind::ctid;
                    chunk.low = static_cast<std::int64_t>(from);
                    chunk.high = static_cast<std::int64_t>(from + step);
                }
                const auto begin = Clock::now();
                sample.rows += read(table, there, chunk);
                sample.seconds += seconds_since(begin);
                const auto part = chunk.kind == copy::ChunkKind::whole ? pages : std::min(step, pages - from);
                sample.bytes +=
                    static_cast<double>(table.bytes) * static_cast<double>(part) / static_cast<double>(pages);
                if (chunk.kind == copy::ChunkKind::whole) break;
            }
        if (sample.rows > 0) {
            samples_.tables.push_back(sample);
            if (target_ != nullptr) time_an_index(table);
        }
        roll_back();
    }

    std::uint64_t read(const source::Table &table, const source::Table &there, const copy::Chunk &chunk) {
        Throttle unlimited;
        const copy::CopyWatch watch{[] { return false; }, [](std::size_t, std::int64_t, std::int64_t) {}, unlimited};
        const auto transfer = copy::make_transfer({table, source::as_it_is(table), there}, chunk, {});
        if (target_ != nullptr)
            return copy::stream_rows(*source_, *target_, {{transfer, to_string(table.name), 0}}, watch).front().rows;
        source_->execute(transfer.out);
        std::uint64_t rows = 0;
        char *row = nullptr;
        for (;;) {
            const int bytes = PQgetCopyData(source_->raw(), &row, 0);
            if (bytes < 0) break;
            ++rows;
            PQfreemem(row);
        }
        while (PGresult *raw = PQgetResult(source_->raw())) {
            const pg::Result result(raw);
            if (PQresultStatus(raw) != PGRES_COMMAND_OK) source_->raise(raw, transfer.out);
        }
        return rows;
    }

    /// The largest index that was built counts: small ones are all overhead.
    void time_an_index(const source::Table &table) {
        const auto columns = index_columns(table);
        if (columns.empty()) return;
        target_->execute("SAVEPOINT walbridge_index");
        try {
            target_->execute("SELECT pg_catalog.set_config('maintenance_work_mem', '262144', true) FROM "
                             "pg_catalog.pg_settings WHERE name = 'maintenance_work_mem' AND setting::bigint < 262144");
            const auto begin = Clock::now();
            target_->execute(
                fmt::format("CREATE INDEX walbridge_sample_index ON pg_temp.walbridge_sample ({})", columns));
            const auto seconds = seconds_since(begin);
            const auto bytes =
                target_->query("SELECT pg_catalog.pg_relation_size('pg_temp.walbridge_sample_index')").number(0, 0);
            if (bytes > largest_index_ && bytes >= least_index_bytes && seconds > 0) {
                largest_index_ = bytes;
                samples_.index_bytes_per_second = static_cast<double>(bytes) / seconds;
            }
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect) throw;
            target_->execute("ROLLBACK TO SAVEPOINT walbridge_index"); // a type without an order
        }
    }

    const TaskConfig &config_;
    pg::Session *const target_;
    std::optional<pg::Session> source_;
    Samples &samples_;
    std::vector<std::string> &notes_;
    long long largest_index_ = 0;
};

} // namespace

Samples take_samples(const TaskConfig &config, pg::Session *target, const std::vector<source::Table> &tables,
                     std::chrono::milliseconds time, std::vector<std::string> &notes) {
    Samples samples;
    pg::Session counters(config.source.endpoint, {config.application_name("plan"), false, {}});
    const auto begin = read_counters(counters);
    std::vector<const source::Table *> largest;
    for (const auto &table : tables)
        if (table.kind == 'r' && table.bytes > 0) largest.push_back(&table);
    std::ranges::sort(largest, [](const auto *a, const auto *b) { return a->bytes > b->bytes; });
    if (largest.size() > most_tables) largest.resize(most_tables);
    if (target != nullptr && !target
                                  ->query("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), "
                                          "'TEMP')")
                                  .flag(0, 0)) {
        notes.emplace_back("the target's speed is not sampled: the role may not make temporary tables there");
        target = nullptr;
    }
    samples.through_target = target != nullptr;
    if (config.full_stage && !largest.empty()) {
        TableSampler sampler(config, target, samples, notes);
        const auto each = time / 2 / static_cast<std::int64_t>(largest.size());
        for (const auto *table : largest) sampler.sample(*table, each);
    }
    const auto left = time - std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin.at);
    if (left > left.zero()) std::this_thread::sleep_for(left);
    const auto end = read_counters(counters);
    const double seconds = std::max(std::chrono::duration<double>(end.at - begin.at).count(), 0.001);
    samples.rates = {seconds, std::max(0.0, end.wal - begin.wal) / seconds,
                     std::max(0.0, end.transactions - begin.transactions) / seconds,
                     std::max(0.0, end.rows - begin.rows) / seconds};
    return samples;
}

} // namespace walbridge::task
