// sequence_keeper.hpp: keeps the target's sequences near the source's while the task follows [I-12]: every
// sequences.interval, in a thread and with sessions of its own. Best effort: what fails is shown in the status and
// tried again; neither the stream nor the task's fate depends on it. Exact values come with the switchover, which this
// thread leaves alone: it writes only while the task is its own and neither drains nor has switched over. Nor does it
// write while the task has a way back beside it: then both sides give out values (decision 13).
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "sequence/sequences.hpp"
#include "task/live.hpp"

#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace walbridge::task {

class SequenceKeeper {
  public:
    /// Starts the thread. The references must outlive the object.
    SequenceKeeper(const TaskConfig &config, Live &live);
    ~SequenceKeeper();
    SequenceKeeper(const SequenceKeeper &) = delete;
    SequenceKeeper &operator=(const SequenceKeeper &) = delete;

  private:
    void work();
    void bring();
    void report(const sequence::Result &result);
    void fail(const std::string &reason);

    const TaskConfig &config_;
    Live &live_;
    std::optional<pg::Session> source_, target_;
    std::string signature_; ///< of the catalog that sequences_ was read from
    std::vector<sequence::Sequence> sequences_;
    std::set<std::string> absent_, named_; ///< missing at the last look; those the log has named
    StopToken end_;
    std::thread thread_;
};

} // namespace walbridge::task
