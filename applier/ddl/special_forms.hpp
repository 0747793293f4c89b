// special_forms.hpp: forms that are translated or refused, and those that need a transaction of their own.
#pragma once

#include "ddl/decision.hpp"
#include "ddl/selection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

struct SpecialForm {
    bool changed = false;
    bool own_transaction = false;
    std::string refused, remedy; ///< why, when it is
};

[[nodiscard]] SpecialForm apply_special_form(pg_query::Node &statement, const Selection &selection);

/// A statement that is left out can have dropped selected objects of a class that is replicated by cascade: the
/// commands that drop those.
[[nodiscard]] std::vector<std::string> drops_by_cascade(const DdlStatement &statement, const Rules &rules,
                                                        Resolver &resolver, const Selection &selection);

} // namespace walbridge::ddl
