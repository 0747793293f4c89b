// insert_rows.hpp: many rows of state at once, the fastest way that each database has.
#pragma once

#include "base/sql/session.hpp"

#include <string>
#include <vector>

namespace walbridge::sql {

/// Inserts `rows` into `table` through the caller's transaction. Column names are written as they are given, the same
/// in both dialects. Throws SqlError.
void insert_rows(Session &session, const std::string &table, const std::vector<std::string> &columns,
                 const std::vector<std::vector<Parameter>> &rows);

} // namespace walbridge::sql
