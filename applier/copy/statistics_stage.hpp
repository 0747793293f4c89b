// statistics_stage.hpp: the end of the load: the planner of the target gets to know the tables [F-09]. Autovacuum would
// need minutes to find them, and never analyzes partitioned tables. What is to be done stands in walbridge.schema_item
// and is marked done with the work. The caller's thread; it starts workers.
#pragma once

#include "copy/pass.hpp"

namespace walbridge::copy {

/// ANALYZE of every table that was copied: partitioned ones as a whole, from their root, materialized views too. Behind
/// the indexes and CREATE STATISTICS, whose own statistics it gathers. Tables that the task's role may not analyze are
/// named with the statement to run; no failure of a single one ends the load. False: a stop was requested.
bool gather_statistics(const LoadContext &context);

} // namespace walbridge::copy
