// lock_watch.hpp: tells whether somebody on the target waits for a lock that a given session holds. A connection of its
// own, for a thread of its own.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

namespace walbridge::target {

class LockWatch {
  public:
    explicit LockWatch(const TaskConfig &config);

    /// True when any session of the server, ours or not, waits for `backend`.
    bool waited_for(long long backend);

  private:
    pg::Session session_;
};

} // namespace walbridge::target
