// limit_mark.hpp: when slot.on_limit drops the slot while the target cannot be told why, the source remembers it: by a
// physical slot that reserves nothing, named dropped_<slot>. The next start finds it instead of wondering where the
// slot went.
#pragma once

#include "base/error.hpp"
#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <optional>

namespace walbridge::task {

/// Throws SqlError.
void leave_limit_mark(pg::Session &source, const TaskConfig &config);

/// Nothing happens when there is none. Throws SqlError.
void remove_limit_mark(pg::Session &source, const TaskConfig &config);

/// Error(slot_limit) when there is one. Through the simple protocol of a walsender.
[[nodiscard]] std::optional<Error> error_of_limit_mark(pg::Session &replication, const TaskConfig &config);

} // namespace walbridge::task
