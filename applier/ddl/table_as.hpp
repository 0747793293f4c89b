// table_as.hpp: CREATE TABLE AS and SELECT INTO become a CREATE TABLE with the columns that the capture derived: their
// rows come through the stream, the query is never run on the target.
#pragma once

#include "change/ddl_statement.hpp"

#include <optional>
#include <string>

namespace pg_query {
class IntoClause;
class Node;
class ParseResult;
} // namespace pg_query

namespace walbridge::ddl {

/// The clause that names the new table, when the statement is one of the two; also below EXPLAIN ANALYZE.
[[nodiscard]] const pg_query::IntoClause *new_table_of_query(const pg_query::Node &statement);

/// CREATE TABLE with the columns of `statement` and everything else of the clause. Gives the reason when it cannot.
[[nodiscard]] std::optional<std::string>
create_without_query(const DdlStatement &statement, const pg_query::Node &original, pg_query::ParseResult &result);

} // namespace walbridge::ddl
