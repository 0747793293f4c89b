// catalog.hpp: reads a table of a MySQL or MariaDB target as the apply room needs it.
#pragma once

#include "base/mysql/session.hpp"
#include "target/table.hpp"

#include <optional>

namespace walbridge::target::mysql {

/// nullopt when no table of that name exists. Throws Error(target_shape) for what cannot take part in transactions: a
/// view, a table of another engine than InnoDB. Runs queries over information_schema only.
std::optional<TargetTable> read_table(my::Session &session, const QualifiedName &name);

} // namespace walbridge::target::mysql
