// switchover.hpp: moving the application from the source to the target as one gated command [T-06, B-04]: gates, fence,
// drain, sequences, materialized views, verification, the way back, the point of no return. Whatever is not proven ends
// it, and what it had done is undone. `switchback` is the same command for the task of the way back.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"

#include <functional>
#include <string>
#include <vector>

namespace walbridge::switchover {

struct Options {
    bool dry_run = false;            ///< gates and the statements to come; nothing is changed
    bool wait_quiet = false;         ///< wait for the sessions of others to go instead of ending them
    bool reverse = true;             ///< prepare the way back
    std::string reverse_name;        ///< empty = derived
    std::vector<std::string> accept; ///< ids of refused gates to go through all the same
    std::string verify;              ///< overrides switchover.verify; empty = as configured
};

/// One line of what happens, as it happens. `seconds` < 0: no duration.
struct Event {
    std::string kind; ///< gate, step, note
    std::string name, state, text, remedy;
    double seconds = -1;
};

struct Result {
    bool switched = false;                  ///< false: a dry run
    bool possible = true;                   ///< dry run: no gate refuses
    double outage_seconds = 0;              ///< from the fence to the moment the application may write to the target
    std::string reverse_task, reverse_file; ///< empty = none
    std::string report;                     ///< JSON of everything, also stored in walbridge.switchover
};

using Show = std::function<void(const Event &)>;

/// `file` is the task's own file. A switchover that an earlier process left half way is undone first. Throws
/// Error(switchover_refused) when a gate is not proven (everything is undone), Error(switchover_open) when the undoing
/// failed as well (the remedy lists what to run).
[[nodiscard]] Result switch_over(const TaskConfig &config, const std::string &file, const Options &options,
                                 const StopToken &stop, const Show &show);

/// Undoes what a killed switchover left. True when there was something to undo.
bool undo_left_over(const TaskConfig &config, const Show &show);

/// The task file of the way back of a task that was switched over. Throws Error(task_state) when there is none.
[[nodiscard]] std::string file_of_way_back(const TaskConfig &forward);

} // namespace walbridge::switchover
