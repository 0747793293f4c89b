// identity_probe.hpp: asks a source over a replication connection who it is and how the task's slot stands.
#pragma once

#include "base/postgres/session.hpp"
#include "task/identity.hpp"

namespace walbridge::task {

/// `replication` is a walsender connection of the source's database (simple protocol only). Throws SqlError.
[[nodiscard]] ServerIdentity probe_identity(pg::Session &replication, const std::string &slot);

/// Probes and judges; throws the verdict.
void check_source_identity(pg::Session &replication, const StoredIdentity &stored);

} // namespace walbridge::task
