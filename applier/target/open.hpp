// open.hpp: an apply session of the kind that the task's target is: the one place that knows all of them.
#pragma once

#include "config/task_config.hpp"
#include "target/commit_ledger.hpp"
#include "target/kind.hpp"
#include "target/target.hpp"

#include <chrono>
#include <memory>
#include <optional>

namespace walbridge::target {

/// Connects a session. Session 0 is opened first and outlives the others; see the sessions themselves for what it does
/// beyond. `lock_timeout` replaces apply.lock_timeout. References must outlive the session. Throws SqlError, Error.
[[nodiscard]] std::unique_ptr<TargetSession>
open_apply_session(const TaskConfig &config, CommitLedger &ledger, int number = 0,
                   std::optional<std::chrono::milliseconds> lock_timeout = {});

} // namespace walbridge::target
