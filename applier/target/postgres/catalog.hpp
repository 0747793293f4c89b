// catalog.hpp: reads a table of a PostgreSQL target as the apply room needs it.
#pragma once

#include "base/postgres/session.hpp"
#include "target/table.hpp"

#include <optional>

namespace walbridge::target {

/// nullopt when no relation of that name exists. Runs catalog queries only.
std::optional<TargetTable> read_table(pg::Session &session, const QualifiedName &name);

} // namespace walbridge::target
