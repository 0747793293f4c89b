// value_policy.hpp: what the task file says about values that the target cannot hold.
#pragma once

#include "config/task_config.hpp"
#include "dialect/mysql/types.hpp"

#include <algorithm>
#include <string>

namespace walbridge::target::mysql {

/// Of a column, by the source's names; a column that the task renames is found by either of its names, because the
/// stream knows the target's alone.
[[nodiscard]] inline dialect::mysql::Unfit value_policy(const TaskConfig &config, const QualifiedName &table,
                                                        const std::string &column) {
    const auto policies = config.objects.values.find(table);
    if (policies == config.objects.values.end()) return dialect::mysql::Unfit::error;
    auto policy = policies->second.find(column);
    if (policy == policies->second.end())
        policy = std::ranges::find_if(
            policies->second, [&](const auto &entry) { return config.names.column(table, entry.first) == column; });
    if (policy == policies->second.end() || policy->second == "error") return dialect::mysql::Unfit::error;
    if (policy->second == "null") return dialect::mysql::Unfit::null;
    return policy->second == "clamp" ? dialect::mysql::Unfit::clamp : dialect::mysql::Unfit::text;
}

/// Of all columns, for whoever chooses their types. The task must outlive what is returned.
[[nodiscard]] inline auto value_policy(const TaskConfig &config) {
    return [&config](const QualifiedName &table, const std::string &column) {
        return value_policy(config, table, column);
    };
}

} // namespace walbridge::target::mysql
