// report.cpp: the result of a verification for people and as JSON.
#include "verify/result_json.hpp"
#include "verify/verify.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::verify {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t shown_of_a_value = 120;

std::string shown(const Text &text) {
    if (!text) return "NULL";
    std::string line;
    for (const char c : text->substr(0, shown_of_a_value)) line += c == '\n' ? ' ' : c;
    return "'" + line + (text->size() > shown_of_a_value ? "..." : "") + "'";
}

std::string name(const QualifiedName &source, const QualifiedName &target) { return describe_pair(source, target); }

std::string size(std::uint64_t bytes) {
    if (bytes >= std::uint64_t{10} << 30) return fmt::format("{} GB", bytes >> 30);
    if (bytes >= std::uint64_t{10} << 20) return fmt::format("{} MB", bytes >> 20);
    return fmt::format("{} kB", bytes >> 10);
}

std::string row_line(const RowDifference &row) {
    std::string text;
    for (const auto &[column, value] : row.key)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", column, shown(value));
    switch (row.kind) {
    case RowDifference::Kind::missing: text = "missing  " + text; break;
    case RowDifference::Kind::extra: text = "extra    " + text; break;
    case RowDifference::Kind::differs: text = "differs  " + text; break;
    }
    if (row.source_rows + row.target_rows > 1 && row.kind != RowDifference::Kind::differs)
        text += fmt::format("  ({} times on the source, {} on the target)", row.source_rows, row.target_rows);
    for (const auto &column : row.columns)
        text += fmt::format("\n               {}: source {}, target {}", column.name, shown(column.source),
                            shown(column.target));
    return text;
}

std::string table_text(const TableResult &table, std::size_t listed) {
    const auto counted = table.source_rows == table.target_rows ? fmt::format("{} rows", table.source_rows)
                                                                : fmt::format("{} rows on the source, {} on the target",
                                                                              table.source_rows, table.target_rows);
    if (!table.failed.empty())
        return fmt::format("  NOT COMPARED {}: {}\n", name(table.source, table.target), table.failed);
    if (table.equal())
        return fmt::format("  equal        {}  ({}, {})\n", name(table.source, table.target), counted, table.how);
    auto text = fmt::format("  DIFFERS      {}  ({}, {}): {}{} missing, {} extra, {} with other values\n",
                            name(table.source, table.target), counted, table.how, table.at_least ? "at least " : "",
                            table.missing, table.extra, table.differing);
    const auto shown_rows = std::min(table.rows.size(), listed);
    for (std::size_t at = 0; at < shown_rows; ++at) text += "      " + row_line(table.rows[at]) + "\n";
    if (const auto all = table.missing + table.extra + table.differing; all > shown_rows && shown_rows != 0)
        text += fmt::format("      and {} more\n", all - shown_rows);
    return text;
}

std::string stillness_name(Stillness stillness) {
    switch (stillness) {
    case Stillness::process: return "process";
    case Stillness::stopped: return "stopped";
    case Stillness::fenced: break;
    }
    return "fenced";
}

} // namespace

std::string as_text(const TaskConfig &config, const Options &options, const Result &result) {
    if (options.mode == Mode::schema) return {};
    std::string text;
    text += fmt::format("Verification {} of task {}: {}, both sides at {}\n", result.run, config.name,
                        name_of(options.mode), to_string(result.position));
    for (const auto &table : result.tables) text += table_text(table, options.listed);
    for (const auto &one : result.sequences)
        text += fmt::format("  DIFFERS      sequence {}: {} on the source, {} on the target\n",
                            name(one.source, one.target), one.on_source.empty() ? "missing" : one.on_source,
                            one.on_target.empty() ? "missing" : one.on_target);
    for (const auto &note : result.notes) text += "  note: " + note + "\n";
    text += fmt::format("{} tables and {} sequences compared: {} differences. Cost: {} rows and about {} read on both "
                        "sides together, {:.1f} s; apply stood still for {:.0f} ms.\n",
                        result.tables.size(), result.sequences_compared, result.differences(), result.rows,
                        size(result.bytes), result.seconds, result.held_seconds * 1000);
    return text;
}

std::string as_json(const TaskConfig &config, const Options &options, const Result &result) {
    Json json;
    json["task"] = config.name;
    json["mode"] = name_of(options.mode);
    json["run"] = result.run;
    json["aligned_by"] = stillness_name(options.stillness);
    json["position"] = to_string(result.position);
    json["equal"] = result.equal();
    json["differences"] = result.differences();
    json["seconds"] = result.seconds;
    json["held_seconds"] = result.held_seconds;
    json["rows_read"] = result.rows;
    json["bytes_read"] = result.bytes;
    json["tables"] = Json::array();
    for (const auto &table : result.tables) {
        Json one;
        one["schema"] = table.source.schema;
        one["table"] = table.source.name;
        one["target"] = {{"schema", table.target.schema}, {"table", table.target.name}};
        one["equal"] = table.equal();
        one["how"] = table.how;
        if (!table.failed.empty()) one["failed"] = table.failed;
        one["source_rows"] = table.source_rows;
        one["target_rows"] = table.target_rows;
        one["missing"] = table.missing;
        one["extra"] = table.extra;
        one["differing"] = table.differing;
        one["at_least"] = table.at_least;
        one["bytes"] = table.bytes;
        one["seconds"] = table.seconds;
        one["rows"] = Json::array();
        for (std::size_t at = 0; at < std::min(table.rows.size(), options.listed); ++at)
            one["rows"].push_back(to_json(table.rows[at]));
        json["tables"].push_back(std::move(one));
    }
    json["sequences_compared"] = result.sequences_compared;
    json["sequences"] = Json::array();
    for (const auto &one : result.sequences)
        json["sequences"].push_back({{"schema", one.source.schema},
                                     {"sequence", one.source.name},
                                     {"target", {{"schema", one.target.schema}, {"sequence", one.target.name}}},
                                     {"on_source", one.on_source},
                                     {"on_target", one.on_target}});
    json["notes"] = result.notes;
    return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace walbridge::verify
