// constraint_names.hpp: which names checks and foreign keys get on MySQL and MariaDB, where they are unique in a
// database and not in a table. Pure.
//
// The first of a name keeps it, another gets its table's name in front. A constraint keeps the name it got when the one
// goes that it gave way to, or its table is renamed: SourceConstraint::target_name holds what is not the source's, so
// that tables which are kept know their constraints' names by themselves.
#pragma once

#include "schema/mysql/source_tables.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace walbridge::schema::mysql {

/// Names on the target by table, kind (c, f) and name on the source; of all constraints, created or not.
using ConstraintNames = std::map<std::tuple<std::uint32_t, char, std::string>, std::string>;

/// A recorded `target_name` first, then in order of the tables.
[[nodiscard]] ConstraintNames constraint_names(const std::vector<SourceTable> &tables);

/// Records the names of `after`: constraints that `before` has as well keep theirs, new ones get free ones. Call it
/// with an empty `before` for tables that are kept for the first time, and before tables that follow a change are kept.
void settle_names(const std::vector<SourceTable> &before, std::vector<SourceTable> &after);

} // namespace walbridge::schema::mysql
