// mapping.hpp: puts the target's names into a statement.
#pragma once

#include "ddl/references.hpp"
#include "ddl/resolver.hpp"
#include "ddl/selection.hpp"
#include "ddl/subjects.hpp"

#include <optional>
#include <string>

namespace walbridge::ddl {

struct MappingOutcome {
    bool necessary = false;             ///< the original text would do something else on the target
    bool qualified = false;             ///< only schemas were added
    std::optional<std::string> refused; ///< why the statement cannot be executed there
};

/// Qualifies the objects of the statement and gives them their names on the target.
[[nodiscard]] MappingOutcome map_subjects(Subjects &subjects, Resolver &resolver);

/// The same for everything that the statement refers to. Subjects must not be mapped yet: their old names tell which
/// columns mean them.
[[nodiscard]] MappingOutcome map_references(References &references, const Subjects &subjects, Resolver &resolver,
                                            const Selection &selection, const NameMap &names);

} // namespace walbridge::ddl
