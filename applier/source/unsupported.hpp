// unsupported.hpp: objects of the source that logical replication cannot carry or only with help, for precheck [O-13].
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"

#include <string>
#include <vector>

namespace walbridge::source {

struct Unsupported {
    QualifiedName object;
    std::string kind; ///< unlogged-table, foreign-table, extension-table, materialized-view, large-objects, hypertable,
                      ///< cross-schema-inheritance, no-identity, deferrable-key
    std::string reason; ///< lower case, no final period
    std::string remedy; ///< a full sentence or a statement to run
};

/// Everything of the database outside system schemas; the caller filters by selection (object.name is empty for large
/// objects).
[[nodiscard]] std::vector<Unsupported> read_unsupported(pg::Session &session);

} // namespace walbridge::source
