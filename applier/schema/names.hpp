// names.hpp: what follows from the renames of a task for objects that nobody named: indexes and owned sequences live
// where their table lives, and texts that mention a renamed name cannot be rewritten. Pure functions.
#pragma once

#include "change/name_map.hpp"
#include "schema/closure.hpp"
#include "source/object_graph.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace walbridge::schema {

/// `names` with an entry for each index and owned sequence of a table that has an entry of its own: they keep their
/// names and move with the table.
[[nodiscard]] NameMap complete_names(const NameMap &names, const source::ObjectGraph &graph);

/// Two relations or types of the closure that would have one name on the target.
struct NameCollision {
    QualifiedName first, second; ///< of the source
    QualifiedName target;
};

/// Those where at least one of the two is renamed. `names` is complete.
[[nodiscard]] std::vector<NameCollision> collisions(const NameMap &names, const source::ObjectGraph &graph,
                                                    const Closure &closure);

/// Whether program text (the body of a routine) mentions a name that means something else on the target: a renamed
/// table, or a renamed schema in front of a dot or of search_path. Comments count: only a parser of the language could
/// tell.
class MentionFinder {
  public:
    explicit MentionFinder(const NameMap &names);
    [[nodiscard]] bool mentions(std::string_view text) const;

  private:
    std::unordered_set<std::string> schemas_, tables_;
};

/// Schemas of the target that renames lead to, each once, in order.
[[nodiscard]] std::vector<std::string> target_schemas(const NameMap &names);

} // namespace walbridge::schema
