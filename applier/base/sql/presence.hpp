// presence.hpp: what a database has, asked of its catalog in the words of either dialect.
#pragma once

#include "base/qualified_name.hpp"
#include "base/sql/session.hpp"

#include <string>

namespace walbridge::sql {

/// A relation of any kind has the name.
[[nodiscard]] bool has_relation(Session &session, const QualifiedName &name);

/// A relation of the name has the column.
[[nodiscard]] bool has_column(Session &session, const QualifiedName &relation, const std::string &column);

} // namespace walbridge::sql
