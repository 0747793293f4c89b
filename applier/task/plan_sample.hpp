// plan_sample.hpp: measuring for a forecast without changing anything: what the source writes meanwhile, and how fast
// rows of its large tables travel. Rows go into a temporary table of a target transaction that is rolled back.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"
#include "source/catalog.hpp"
#include "task/plan_forecast.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace walbridge::task {

/// Takes about `time`, of which tables get at most half. `tables` are the selected ones. `target`: nullptr when it
/// cannot be reached; the rows are then only read. What could not be measured is a sentence in `notes`.
/// Throws SqlError when the connection to the source breaks.
[[nodiscard]] Samples take_samples(const TaskConfig &config, pg::Session *target,
                                   const std::vector<source::Table> &tables, std::chrono::milliseconds time,
                                   std::vector<std::string> &notes);

} // namespace walbridge::task
