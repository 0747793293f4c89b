// reverse_task.hpp: the task of the way back, derived from the forward task's file: the two servers change places, the
// names are inverted, the objects are the same (decision 12, requirement M-06). A switchover prepares one that begins
// when the forward task has ended; `walbridge reverse` one that runs beside it.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <string>

namespace walbridge::reverse {

struct ReverseTask {
    std::string file; ///< beside the forward task's file: `<name>.toml`
    std::string text; ///< of that file; secrets stay where the forward file says they are
    TaskConfig config;
};

/// A name for the way back that the forward task's source does not know yet: orders -> orders_back -> orders_forth ->
/// orders_back2.
/// Cut where it would be longer than a name may be.
[[nodiscard]] std::string reverse_name(const std::string &forward, pg::Session &source);

enum class Purpose {
    successor, ///< begins when the forward task ends: brings DDL and sequences as that one did
    two_way,   ///< runs beside it: leaves DDL and sequences alone, and ties go to the same side as forward
};

/// Throws Error(switchover_refused), or for two ways Error(task_state), where the way back cannot be expressed: two
/// roles or names on one.
[[nodiscard]] ReverseTask derive_reverse(const TaskConfig &forward, const std::string &forward_file,
                                         const std::string &name, Purpose purpose = Purpose::successor);

/// Writes the file, readable by its owner only; never over a file with another text.
void write_file(const ReverseTask &task);

} // namespace walbridge::reverse
