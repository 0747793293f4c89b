// reverse_possible.cpp: see reverse_possible.hpp.
#include "task/reverse_possible.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace walbridge::task {

namespace {

/// An entry whose tables hold something else on the target than on the source.
std::optional<std::string> reshaped_entry(const TaskConfig &forward) {
    for (const auto &entry : nlohmann::json::parse(wire::to_json(forward.objects.rules)))
        for (const auto *key : {"include_columns", "exclude_columns", "columns"})
            if (entry.contains(key)) return entry.at("table").get<std::string>();
    return std::nullopt;
}

} // namespace

std::optional<std::string> reverse_obstacle(const TaskConfig &forward) {
    if (!forward.incremental_stage) return "the task does not follow its source (task.stages lacks incremental)";
    if (!forward.reverse_of.empty())
        return fmt::format("the task is itself the way back of task {}", forward.reverse_of);
    if (forward.target.kind != "postgresql" && forward.target.kind != "polardb")
        return fmt::format("changes of a target of the kind {} cannot be followed", forward.target.kind);
    if (forward.names.learns()) return "names by pattern or case cannot be turned around";
    if (forward.names.renames_columns()) return "renames of columns cannot be turned around";
    if (!forward.objects.added_columns.empty()) return "columns that walbridge fills have no counterpart on the source";
    if (const auto changed = reshaped_entry(forward))
        return fmt::format("rules for {} leave out columns or compute them", *changed);
    std::set<std::string> schemas;
    for (const auto &[source, target] : forward.names.schemas())
        if (!schemas.insert(target).second) return fmt::format("two schemas are both {} on the target", target);
    std::set<QualifiedName> tables;
    for (const auto &[source, target] : forward.names.tables())
        if (!tables.insert(target).second)
            return fmt::format("two tables are both {} on the target", to_string(target));
    return std::nullopt;
}

} // namespace walbridge::task
