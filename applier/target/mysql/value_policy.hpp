// value_policy.hpp: what the task file says about values that the target cannot hold.
#pragma once

#include "config/task_config.hpp"
#include "dialect/mysql/types.hpp"

#include <string>

namespace walbridge::target::mysql {

/// Of a column, by the source's names.
[[nodiscard]] inline dialect::mysql::Unfit value_policy(const TaskConfig &config, const QualifiedName &table,
                                                        const std::string &column) {
    const auto policies = config.objects.values.find(table);
    if (policies == config.objects.values.end()) return dialect::mysql::Unfit::error;
    const auto policy = policies->second.find(column);
    if (policy == policies->second.end() || policy->second == "error") return dialect::mysql::Unfit::error;
    if (policy->second == "null") return dialect::mysql::Unfit::null;
    return policy->second == "clamp" ? dialect::mysql::Unfit::clamp : dialect::mysql::Unfit::text;
}

} // namespace walbridge::target::mysql
