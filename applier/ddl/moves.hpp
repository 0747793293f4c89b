// moves.hpp: renames and SET SCHEMA, where the name before decides what is meant on the target and the name after
// decides whether the object is still selected.
#pragma once

#include "ddl/decision.hpp"
#include "ddl/resolver.hpp"
#include "ddl/selection.hpp"
#include "ddl/subjects.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::ddl {

struct Move {
    enum class Verdict {
        none,     ///< the statement moves nothing
        ordinary, ///< goes on like any statement; its new name has been mapped
        replaced, ///< `commands` are to be executed in its place (possibly none)
        filtered,
        refused,
    };
    Verdict verdict = Verdict::none;
    bool changed = false; ///< the new name in the tree
    std::vector<std::string> commands;
    std::string reason, remedy;
    std::optional<QualifiedName> from, to; ///< of relations, source names
    bool left_selection = false, entered_selection = false;
};

[[nodiscard]] Move judge_move(pg_query::Node &statement, const Subjects &subjects,
                              const std::optional<QualifiedName> &before, Resolver &resolver,
                              const Selection &selection, const NameMap &names);

} // namespace walbridge::ddl
