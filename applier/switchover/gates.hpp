// gates.hpp: what has to be proven before the source is fenced: while nothing has happened yet.
#pragma once

#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "reverse/reverse_task.hpp"
#include "switchover/fence.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::switchover {

enum class Passage { open, noted, refused };

struct Gate {
    std::string id; ///< "task.running"; documented, taken by --accept where `acceptable`
    Passage passage = Passage::open;
    std::string detail, remedy;
    bool acceptable = false; ///< the operator may go on in spite of it
};

struct GateInput {
    const TaskConfig &config;
    const FencePlan &fence;
    const std::optional<reverse::ReverseTask> &reverse;
    const StopToken &stop;
};

/// Every gate in order, each handed to `show` as soon as it is known. Reads only, except for a message in the source's
/// WAL that measures how long the target needs to catch up.
std::vector<Gate> examine(const GateInput &input, pg::Session &source, pg::Session &target,
                          const std::function<void(const Gate &)> &show);

/// Ids of gates that --accept takes.
[[nodiscard]] std::vector<std::string> acceptable_gates();

} // namespace walbridge::switchover
