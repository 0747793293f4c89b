// ddl_statements.hpp: what an operator asks about DDL statements of the source that did not simply succeed
// (walbridge.ddl_statement on the target). Works whether a process runs the task or not.
#pragma once

#include "config/task_config.hpp"

#include <string>

namespace walbridge::task {

/// Those that wait for a decision first; as a table or as JSON.
[[nodiscard]] std::string list_ddl(const TaskConfig &config, bool json);

/// One of them with statement, role, commands and reasons.
[[nodiscard]] std::string show_ddl(const TaskConfig &config, const std::string &id, bool json);

/// Executes a statement that was passed over, in a transaction of its own, by the rules of the task file as it is now.
/// Throws Error(ddl) when it fails again.
[[nodiscard]] std::string retry_ddl(const TaskConfig &config, const std::string &id);

/// Decides that a statement is not to be executed: the next run passes it over.
[[nodiscard]] std::string dismiss_ddl(const TaskConfig &config, const std::string &id);

} // namespace walbridge::task
