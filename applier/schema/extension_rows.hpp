// extension_rows.hpp: rows that users wrote into configuration tables of extensions. The extension brings its tables
// and its own rows, the stream has none of them: they are copied once, as statements of the schema stage, with the
// conditions that pg_dump takes them by [O-20].
#pragma once

#include "base/postgres/session.hpp"
#include "change/name_map.hpp"
#include "schema/closure.hpp"
#include "schema/item.hpp"
#include "source/object_graph.hpp"

#include <cstddef>
#include <vector>

namespace walbridge::schema {

/// More than this of one table is not configuration any more: it is left behind and named.
inline constexpr std::size_t most_extension_row_bytes = std::size_t{8} << 20;

/// Appends an item (EXTENSION DATA) for each configuration table with rows and each configuration sequence of a
/// selected extension. Rows that the target has already under the same key stay as they are there. Left out are
/// extensions whose rows are jobs that would begin to run on the target: pg_cron, pgagent. Logs what is left behind.
/// `source` has imported the snapshot and is in its transaction.
void add_extension_rows(pg::Session &source, const source::ObjectGraph &graph, const Closure &closure,
                        const NameMap &names, std::vector<Item> &items);

} // namespace walbridge::schema
