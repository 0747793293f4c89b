// fast_default.hpp: ADD COLUMN ... DEFAULT now(): rows that exist show the value that the source computed, new rows the
// expression.
#pragma once

#include "change/ddl_statement.hpp"

#include <string>
#include <vector>

namespace pg_query {
class Node;
class ParseResult;
} // namespace pg_query

namespace walbridge::ddl {

/// Puts the source's values into `statement` as constant defaults. What has to be executed after it to give the columns
/// the defaults that were asked for; `changed` says whether anything was replaced.
struct FastDefaults {
    bool changed = false;
    std::vector<pg_query::ParseResult> afterwards;
};
[[nodiscard]] FastDefaults use_source_values(pg_query::Node &statement, const DdlStatement &captured);

} // namespace walbridge::ddl
