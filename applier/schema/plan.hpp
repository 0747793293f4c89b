// plan.hpp: what the schema stage will create: pg_dump's entries under the slot's snapshot, reduced to the selection.
#pragma once

#include "base/qualified_name.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "ddl/columns.hpp"
#include "schema/closure.hpp"
#include "schema/dump_parser.hpp"
#include "schema/item.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::schema {

/// Pure: entries of the dump that belong to the closure, in order, with their sections, under the target's names
/// (`names` is complete); numbered from 1. What comes before the data has the source's columns: reshape_items() follow
/// it. Throws Error(schema_stage) for a definition that mentions renamed names and
/// cannot be rewritten.
[[nodiscard]] std::vector<Item> make_items(const std::vector<DumpEntry> &entries, const source::ObjectGraph &graph,
                                           const Closure &closure, const NameMap &names = {},
                                           const ddl::ColumnRules &columns = {});

/// Reads everything under the snapshot. `source` has imported it. Logs what is left behind.
[[nodiscard]] std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source, const std::string &snapshot,
                                            const StopToken &stop);

/// The items after the data (indexes, keys, triggers, ...) of one table under a newer snapshot, numbered from 1.
[[nodiscard]] std::vector<Item> plan_table_after_data(const TaskConfig &config, pg::Session &source,
                                                      const std::string &snapshot, std::uint32_t table_oid,
                                                      const QualifiedName &table, const StopToken &stop);

} // namespace walbridge::schema
