// plan.hpp: `walbridge plan`: what a start of the task would do, and how long it may take, without doing any of it
// [T-14]. Reads both servers; the only thing written anywhere is a temporary table in a target transaction that is
// rolled back, and precheck's temporary slot.
#pragma once

#include "config/task_config.hpp"
#include "schema/closure.hpp"
#include "task/plan_forecast.hpp"
#include "task/precheck.hpp"
#include "task/writers.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::task {

struct PlannedSetting {
    std::string key, value;
    bool given = false; ///< by the file; else the default
};

struct PlannedTable {
    QualifiedName source, target;
    std::uint64_t bytes = 0, index_bytes = 0;
    int indexes = 0;
    double estimated_rows = 0; ///< negative: never analyzed
    std::string identity;      ///< how a change says which row it means
    std::string cut;           ///< chunks of the copy: whole, ctid, key
    std::size_t chunks = 0;
    bool unlogged = false; ///< copied once, never followed
};

struct PlannedStatement {
    std::string side;   ///< source, target
    std::string stage;  ///< state, slot, identity, database, before-data, data, index, foreign-key, after-data
    std::string type;   ///< TABLE, INDEX, ...
    std::string object; ///< for people
    std::string statement;
};

struct SideWriter {
    std::string side;
    Writer writer;
};

struct Plan {
    std::string started;        ///< phase the task is in when it has begun already; empty = new
    std::string source, target; ///< server and database, for people; target empty = cannot be reached
    std::vector<PlannedSetting> settings;
    std::vector<PlannedTable> tables;
    std::vector<schema::LeftBehind> left_behind;
    std::vector<PlannedStatement> statements; ///< in the order they would run
    Samples samples;
    Forecast forecast;
    std::vector<std::string> notes; ///< what could not be looked at
    PrecheckReport precheck;
    std::vector<SideWriter> writers;
};

/// Takes a little longer than `sample`. Throws Error when the source cannot be reached; whatever else is missing is
/// said in the plan.
[[nodiscard]] Plan make_plan(const TaskConfig &config, std::chrono::milliseconds sample);

/// For people; `statements`: every statement in full instead of their counts.
[[nodiscard]] std::string plan_text(const TaskConfig &config, const Plan &plan, bool statements);
[[nodiscard]] std::string plan_json(const TaskConfig &config, const Plan &plan);

} // namespace walbridge::task
