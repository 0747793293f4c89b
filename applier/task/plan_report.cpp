// plan_report.cpp: the plan as text and as JSON.
#include "task/figures.hpp"
#include "task/plan.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;

std::string about(const Range &range, std::string (*human)(double)) {
    const auto low = human(range.low), high = human(range.high);
    return low == high ? low : fmt::format("{} to {}", low, high);
}

std::string time_of(const std::optional<Range> &range) {
    return range ? about({std::ceil(range->low), std::ceil(range->high)}, human_seconds) : "not known";
}

std::string count_of(double rows) {
    return rows < 0 ? "never counted"
                    : "about " + human_count(static_cast<std::uint64_t>(std::llround(rows))) + " rows";
}

std::string heading(const char *text) { return fmt::format("\n{}\n", text); }

std::string settings_text(const Plan &plan) {
    std::string out = heading("Settings of the file (all others have their defaults; --json lists every key)");
    std::size_t width = 0;
    for (const auto &setting : plan.settings)
        if (setting.given) width = std::max(width, setting.key.size());
    for (const auto &setting : plan.settings)
        if (setting.given) out += fmt::format("  {:<{}}  {}\n", setting.key, width, setting.value);
    return out;
}

std::string tables_text(const Plan &plan) {
    constexpr std::size_t most = 20;
    auto tables = plan.tables;
    std::ranges::stable_sort(tables, [](const auto &a, const auto &b) { return a.bytes > b.bytes; });
    double bytes = 0, index_bytes = 0;
    for (const auto &table : tables) {
        bytes += static_cast<double>(table.bytes);
        index_bytes += static_cast<double>(table.index_bytes);
    }
    auto out = heading(
        fmt::format("Tables: {}, {} and {} of indexes", tables.size(), human_bytes(bytes), human_bytes(index_bytes))
            .c_str());
    for (std::size_t i = 0; i < std::min(most, tables.size()); ++i) {
        const auto &table = tables[i];
        out += fmt::format("  {}: {}, {}, {} indexes of {}, identity: {}", describe_pair(table.source, table.target),
                           human_bytes(static_cast<double>(table.bytes)), count_of(table.estimated_rows), table.indexes,
                           human_bytes(static_cast<double>(table.index_bytes)), table.identity);
        if (table.chunks > 1) out += fmt::format(", {} chunks by {}", table.chunks, table.cut);
        if (table.unlogged) out += ", copied once and not followed";
        out += "\n";
    }
    if (tables.size() > most) out += fmt::format("  and {} smaller ones (--json)\n", tables.size() - most);
    for (const auto &left : plan.left_behind) out += fmt::format("  left behind: {}: {}\n", left.object, left.reason);
    return out;
}

std::string statements_text(const Plan &plan, bool in_full) {
    auto out = heading(in_full ? "Statements, in the order they run" : "Statements (--statements shows each)");
    if (in_full) {
        for (const auto &one : plan.statements)
            out += fmt::format("-- {}, {}: {} {}\n{}\n\n", one.side, one.stage, one.type, one.object, one.statement);
        return out;
    }
    std::vector<std::pair<std::string, std::map<std::string, int>>> groups; // by side and stage, in order
    for (const auto &one : plan.statements) {
        const auto group = fmt::format("{}, {}", one.side, one.stage);
        if (groups.empty() || groups.back().first != group) {
            const auto known = std::ranges::find(groups, group, &decltype(groups)::value_type::first);
            if (known != groups.end()) {
                ++known->second[one.type];
                continue;
            }
            groups.push_back({group, {}});
        }
        ++groups.back().second[one.type];
    }
    for (const auto &[group, types] : groups) {
        std::string counts;
        for (const auto &[type, count] : types)
            counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, type);
        out += fmt::format("  {:<22} {}\n", group, counts);
    }
    for (const auto &one : plan.statements)
        if (one.side == "source") out += fmt::format("  on the source: {}\n", one.statement);
    return out;
}

std::string forecast_text(const Plan &plan) {
    const auto &forecast = plan.forecast;
    auto out = heading("Forecast");
    const auto line = [&](const char *what, const std::string &value) {
        out += fmt::format("  {:<14} {}\n", what, value);
    };
    if (forecast.schema) line("schema", time_of(forecast.schema));
    line("copy", time_of(forecast.copy));
    line("indexes", time_of(forecast.indexes));
    line("catching up", time_of(forecast.catch_up));
    line("WAL retained", forecast.wal_retained ? about(*forecast.wal_retained, human_bytes) : "not known");
    for (const auto &text : forecast.warnings) out += "  ! " + text + "\n";
    for (const auto &text : forecast.assumptions) out += "  " + text + "\n";
    for (const auto &text : forecast.unknown) out += "  Not forecast: " + text + "\n";
    return out;
}

std::string precheck_text(const Plan &plan) {
    const auto &report = plan.precheck;
    auto out = heading(
        fmt::format("Precheck: {} errors, {} warnings", report.count(Verdict::error), report.count(Verdict::warning))
            .c_str());
    for (const auto verdict : {Verdict::error, Verdict::warning})
        for (const auto &finding : report.findings)
            if (finding.verdict == verdict && !finding.acknowledged)
                out += fmt::format("  {} {}: {}\n      -> {}\n", verdict == Verdict::error ? "error" : "warning",
                                   finding.id, finding.reason, finding.fix);
    return out;
}

std::string writers_text(const Plan &plan) {
    auto out = heading("Jobs and other writers, to be thought of at the cut");
    if (plan.writers.empty()) out += "  none was found\n";
    for (const auto &[side, writer] : plan.writers)
        out +=
            fmt::format("  {} {} {}: {}\n      -> {}\n", side, writer.kind, writer.name, writer.detail, writer.remedy);
    return out;
}

Json json_of(const std::optional<Range> &range) {
    return range ? Json{{"low", range->low}, {"high", range->high}} : Json(nullptr);
}

} // namespace

std::string plan_text(const TaskConfig &config, const Plan &plan, bool statements) {
    auto out = fmt::format("task {}\nsource {}\ntarget {}\n", config.name, plan.source,
                           plan.target.empty() ? "cannot be looked at" : plan.target);
    if (!plan.started.empty())
        out += fmt::format("The task has begun (phase {}): this is what a new start would do. walbridge status shows "
                           "the one that runs.\n",
                           plan.started);
    for (const auto &note : plan.notes) out += fmt::format("Note: {}.\n", note);
    out += settings_text(plan) + tables_text(plan) + statements_text(plan, statements) + forecast_text(plan) +
           precheck_text(plan) + writers_text(plan);
    return out + "\nNothing was changed on either side.\n";
}

std::string plan_json(const TaskConfig &config, const Plan &plan) {
    Json json{{"task", config.name}};
    json["labels"] = config.labels;
    json["started"] = plan.started.empty() ? Json(nullptr) : Json(plan.started);
    json["source"] = plan.source;
    json["target"] = plan.target.empty() ? Json(nullptr) : Json(plan.target);
    json["notes"] = plan.notes;
    json["settings"] = Json::array();
    for (const auto &one : plan.settings)
        json["settings"].push_back({{"key", one.key}, {"value", one.value}, {"from", one.given ? "file" : "default"}});
    json["tables"] = Json::array();
    for (const auto &one : plan.tables)
        json["tables"].push_back({{"schema", one.source.schema},
                                  {"table", one.source.name},
                                  {"target", {{"schema", one.target.schema}, {"table", one.target.name}}},
                                  {"bytes", one.bytes},
                                  {"estimated_rows", one.estimated_rows},
                                  {"indexes", one.indexes},
                                  {"index_bytes", one.index_bytes},
                                  {"identity", one.identity},
                                  {"cut", one.cut},
                                  {"chunks", one.chunks},
                                  {"unlogged", one.unlogged}});
    json["left_behind"] = Json::array();
    for (const auto &one : plan.left_behind)
        json["left_behind"].push_back({{"object", one.object}, {"reason", one.reason}});
    json["statements"] = Json::array();
    for (const auto &one : plan.statements)
        json["statements"].push_back({{"side", one.side},
                                      {"stage", one.stage},
                                      {"type", one.type},
                                      {"object", one.object},
                                      {"statement", one.statement}});
    const auto &rates = plan.samples.rates;
    json["rates"] = {{"seconds", rates.seconds},
                     {"wal_bytes_per_second", rates.wal_bytes},
                     {"transactions_per_second", rates.transactions},
                     {"rows_per_second", rates.rows}};
    json["samples"] = Json::array();
    for (const auto &one : plan.samples.tables)
        json["samples"].push_back({{"schema", one.table.schema},
                                   {"table", one.table.name},
                                   {"rows", one.rows},
                                   {"bytes", one.bytes},
                                   {"seconds", one.seconds}});
    const auto &forecast = plan.forecast;
    json["forecast"] = {{"schema_seconds", json_of(forecast.schema)},
                        {"copy_seconds", json_of(forecast.copy)},
                        {"index_seconds", json_of(forecast.indexes)},
                        {"catch_up_seconds", json_of(forecast.catch_up)},
                        {"wal_retained_bytes", json_of(forecast.wal_retained)},
                        {"through_target", plan.samples.through_target},
                        {"warnings", forecast.warnings},
                        {"assumptions", forecast.assumptions},
                        {"not_forecast", forecast.unknown}};
    json["precheck"] = Json::parse(precheck_json(config, plan.precheck));
    json["writers"] = Json::array();
    for (const auto &[side, writer] : plan.writers)
        json["writers"].push_back({{"side", side},
                                   {"kind", writer.kind},
                                   {"name", writer.name},
                                   {"detail", writer.detail},
                                   {"remedy", writer.remedy}});
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace walbridge::task
