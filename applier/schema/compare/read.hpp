// read.hpp: reads the definitions of one side: pg_dump's statements and the catalog's attributes, both as of one
// snapshot.
#pragma once

#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "schema/compare/model.hpp"

#include <set>

namespace walbridge::schema::compare {

struct ReadRequest {
    const TaskConfig &config;
    const pg::Endpoint &endpoint;
    /// The source's definitions are given under the target's names; those of the target are selected by the names of
    /// their originals.
    bool target = false;
    /// Objects to bring along though the selection does not: the other side has them.
    std::set<Key> also{};
};

/// The selected objects of the side. What the selection leaves behind is not in it. Throws like pg_dump and the
/// sessions do, Error(task_state) when a stop was requested.
[[nodiscard]] Definitions read_definitions(const ReadRequest &request, const StopToken &stop);

} // namespace walbridge::schema::compare
