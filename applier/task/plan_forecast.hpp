// plan_forecast.hpp: what samples of a few seconds say about hours: the arithmetic of `walbridge plan`. Pure. Each
// figure is a range, or missing where nothing was measured that it could rest on; what it rests on is said.
#pragma once

#include "base/qualified_name.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

struct Range {
    double low = 0, high = 0;
};

/// What the source's statistics did during the sample.
struct SourceRates {
    double seconds = 0;                               ///< of observation
    double wal_bytes = 0, transactions = 0, rows = 0; ///< per second; rows inserted, updated and deleted
};

/// One table's rows, read as the copy reads them and written into a temporary table of the target.
struct TableSample {
    QualifiedName table;
    std::uint64_t rows = 0;
    double bytes = 0; ///< of the table's size on the source that the rows stand for
    double seconds = 0;
};

struct Samples {
    SourceRates rates;
    std::vector<TableSample> tables;
    bool through_target = false;                    ///< else the rows were only read
    std::optional<double> index_bytes_per_second{}; ///< one index built on the sampled rows
    std::optional<double> statement_seconds{};      ///< a CREATE TABLE on the target
    double definitions_seconds = 0;                 ///< reading the definitions, as run will do again
};

struct ForecastInput {
    struct Table {
        QualifiedName name;
        double bytes = 0, index_bytes = 0;
    };
    Samples samples;
    std::vector<Table> tables;
    bool full_stage = true, incremental_stage = true;
    std::size_t statements = 0; ///< of the schema stage
    int copy_workers = 1, index_workers = 1;
    std::optional<std::uint64_t> max_slot_wal_keep_size{};  ///< nullopt: unlimited
    std::uint64_t retained_warning = 0, retained_limit = 0; ///< of the task file; 0 = none
};

struct Forecast {
    std::optional<Range> schema, copy, indexes, catch_up; ///< seconds
    std::optional<Range> wal_retained;                    ///< bytes, until the target has caught up
    std::vector<std::string> assumptions;                 ///< full sentences
    std::vector<std::string> warnings;                    ///< full sentences: what would stop or spoil the task
    std::vector<std::string> unknown;                     ///< full sentences: what could not be forecast, and why
};

/// Changes per second that the incremental stage is assumed to apply: nothing of it is measured before it runs.
inline constexpr Range assumed_apply_rate{10'000, 100'000};

[[nodiscard]] Forecast forecast(const ForecastInput &input);

} // namespace walbridge::task
