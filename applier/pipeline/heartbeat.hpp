// heartbeat.hpp: writes a small message into the source's WAL now and then, so that lag is measured end to end and the
// slot of a quiet database moves on. No table is written on the source.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"

namespace walbridge::pipeline {

class Heartbeat {
  public:
    explicit Heartbeat(const TaskConfig &config) : config_(config) {}

    /// Runs on its own thread with its own session until `stop`; a source that cannot be reached is tried again at the
    /// next beat, because the stream itself reports the outage.
    void run(const StopToken &stop) noexcept;

  private:
    const TaskConfig &config_;
};

} // namespace walbridge::pipeline
