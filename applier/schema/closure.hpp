// closure.hpp: which objects of the source a selection brings along (decision 15). A pure function over the object
// graph.
//   schema pattern   every object of the schema, as long as everything it refers to comes along too
//   table pattern    the table, its indexes, constraints, owned sequences, policies and what its definition needs
// What a table needs comes along wherever it lives (types, functions of defaults and checks, partitioned parents,
// extensions); a view, routine or foreign key never drags an unselected table in: it is left behind and named.
#pragma once

#include "source/object_graph.hpp"
#include "wire/object_selection.hpp"

#include <set>
#include <string>
#include <vector>

namespace walbridge::schema {

struct LeftBehind {
    std::string object; ///< for people
    std::string reason;
};

struct Closure {
    std::set<source::ObjectId> objects;
    std::vector<LeftBehind> left_behind;
    std::vector<std::string> definitions_only; ///< tables brought because others need them; their rows are not copied
};

/// True when the selection takes whatever the schema holds.
[[nodiscard]] bool covers_schema(const wire::ObjectSelection &selection, std::string_view schema);

[[nodiscard]] Closure select_objects(const source::ObjectGraph &graph, const wire::ObjectSelection &selection);

} // namespace walbridge::schema
