// unsupported.hpp: objects of the source that logical replication cannot carry or only with help, for precheck [O-13].
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"

#include <string>
#include <vector>

namespace walbridge::source {

struct Unsupported {
    QualifiedName object;
    std::string kind;      ///< unlogged-table, foreign-table, extension-table, extension-schema, materialized-view,
                           ///< hypertable, inheritance, no-identity, deferrable-key
    std::string reason;    ///< lower case, no final period
    std::string remedy;    ///< a full sentence or a statement to run
    QualifiedName other{}; ///< inheritance: the table at its other end; only a problem when that one is not selected
};

/// Everything of the database outside system schemas; the caller filters by selection. object.name is empty for
/// what concerns a schema.
[[nodiscard]] std::vector<Unsupported> read_unsupported(pg::Session &session);

} // namespace walbridge::source
