// presence.hpp: whether the object that an item's statement creates is on the target.
//
// MySQL commits a DDL statement by itself, so its item cannot be marked done in the same transaction, and a crash in
// between would repeat the statement. The stage therefore works in three steps, each durable before the next:
//   1. the object is absent (presence query): mark the item begun, and commit that. Where it is present the table is
//      somebody else's: Error(target_shape), as on PostgreSQL
//   2. execute the statement
//   3. mark the item done
// After a crash, an item that is begun and not done was absent when step 2 began: where its object is present now, the
// statement was executed and step 3 alone is missing; where it is absent, steps 2 and 3 are. DDL statements of InnoDB
// tables are atomic (MySQL 8.0, MariaDB 10.6), so there is nothing in between. An item of type DATABASE has IF NOT
// EXISTS and may be repeated; its query saves the right to create databases where it exists.
#pragma once

#include "schema/item.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

/// SELECT count(*) ... which gives 0 when the object is absent. Items are those of definitions.hpp.
/// Throws Error(internal) for another statement.
[[nodiscard]] std::string presence_query(const Item &item);

/// The names in backticks that a statement begins with, in order, up to `count`; others than the first of a kind follow
/// keywords: CREATE TABLE `a`.`b`, ALTER TABLE `a`.`b` ADD UNIQUE KEY `c`.
[[nodiscard]] std::vector<std::string> quoted_names(const std::string &statement, std::size_t count);

} // namespace walbridge::schema::mysql
