// reverse_possible.cpp: see reverse_possible.hpp.
#include "task/reverse_possible.hpp"

#include <fmt/format.h>
#include <set>

namespace walbridge::task {

std::optional<std::string> reverse_obstacle(const TaskConfig &forward) {
    if (!forward.incremental_stage) return "the task does not follow its source (task.stages lacks incremental)";
    if (!forward.reverse_of.empty())
        return fmt::format("the task is itself the way back of task {}", forward.reverse_of);
    if (forward.target.kind != "postgresql" && forward.target.kind != "polardb")
        return fmt::format("changes of a target of the kind {} cannot be followed", forward.target.kind);
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
