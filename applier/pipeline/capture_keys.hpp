// capture_keys.hpp: what proves that a DDL message comes from this source: who it is, and the keys of its capture.
#pragma once

#include "config/task_config.hpp"
#include "wire/ddl_message.hpp"

namespace walbridge::pipeline {

/// `replication` is a connection to the source in replication mode. The verifier reads the keys when it needs them, in
/// a session of its own; where they cannot be read there are none, and every message is refused.
DdlVerifier make_ddl_verifier(const TaskConfig &config, pg::Session &replication);

} // namespace walbridge::pipeline
