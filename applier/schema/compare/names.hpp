// names.hpp: comparing across renames: the source's definitions under the target's names, and the target's in the
// source's way of writing. Pure functions.
#pragma once

#include "change/name_map.hpp"
#include "ddl/rename.hpp"
#include "schema/compare/model.hpp"
#include "source/object_graph.hpp"

namespace walbridge::schema::compare {

/// `source` as it has to be on the target. What cannot be renamed (a function's body that mentions a renamed name)
/// keeps its text and says so in Object::unmapped. `names` is complete (schema/names.hpp).
[[nodiscard]] Definitions renamed(const Definitions &source, const NameMap &names, const ddl::TableOf &table_of = {});

/// `target` with the source's text wherever both mean the same: rewritten text is written by another hand than the
/// server's (varchar for character varying).
[[nodiscard]] Definitions alike(const Definitions &target, const Definitions &source);

/// The target's objects under the names that their originals have on the source, for the source's selection. What lives
/// under a name that the source's objects were renamed from is nobody's copy: its schema looks like one of the
/// system's.
[[nodiscard]] source::ObjectGraph under_source_names(const source::ObjectGraph &target, const NameMap &names);

} // namespace walbridge::schema::compare
