// lock_watch.cpp: lock waits by pg_locks, which shows every role's.
#include "target/postgres/lock_watch.hpp"

namespace walbridge::target {

LockWatch::LockWatch(const TaskConfig &config)
    : session_(config.target.endpoint, {config.application_name("locks"), false, {}}) {}

bool LockWatch::waited_for(long long backend) {
    return session_
               .query("SELECT 1 FROM pg_catalog.pg_locks l WHERE NOT l.granted AND $1::integer = ANY "
                      "(pg_catalog.pg_blocking_pids(l.pid)) LIMIT 1",
                      {std::to_string(backend)})
               .rows() > 0;
}

} // namespace walbridge::target
