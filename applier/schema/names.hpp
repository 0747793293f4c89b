// names.hpp: what follows from the renames of a task for objects that nobody named: indexes and owned sequences live
// where their table lives. Pure functions.
#pragma once

#include "change/name_map.hpp"
#include "schema/closure.hpp"
#include "source/catalog.hpp"
#include "source/object_graph.hpp"

#include <string>
#include <vector>

namespace walbridge::schema {

/// `names` with an entry for each index and owned sequence of a table that has an entry of its own: they keep their
/// names and move with the table.
[[nodiscard]] NameMap complete_names(const NameMap &names, const source::ObjectGraph &graph);

/// Two relations or types of the closure that would have one name on the target.
struct NameCollision {
    QualifiedName first, second; ///< of the source
    QualifiedName target;
    bool operator==(const NameCollision &) const = default;
};

/// Those where at least one of the two is renamed. `names` is complete.
[[nodiscard]] std::vector<NameCollision> collisions(const NameMap &names, const source::ObjectGraph &graph,
                                                    const Closure &closure);

/// A column's type, collation and default, as the source's catalog prints them, under the target's names. Types and
/// collations come out with every qualified name quoted, so that those of both sides compare: the target's own go
/// through it with an empty map.
[[nodiscard]] source::Column column_on_target(source::Column column, const NameMap &names);

/// Schemas of the target that renames lead to, each once, in order.
[[nodiscard]] std::vector<std::string> target_schemas(const NameMap &names);

} // namespace walbridge::schema
