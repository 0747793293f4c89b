// compare.hpp: what has to be done to the target so that its definitions are the source's, in an order in which it can
// be done. A pure function.
#pragma once

#include "schema/compare/model.hpp"

#include <string>
#include <vector>

namespace walbridge::schema::compare {

/// One step: an object, what is wrong with it, and statements. An object may take two: gone first, then back.
struct Difference {
    enum class Kind {
        missing, ///< only on the source
        extra,   ///< only on the target
        different,
        dependent, ///< equal, but it is in the way of another change and has to be made anew
    };
    Kind kind = Kind::different;
    Key object;
    std::string name;   ///< for people
    std::string reason; ///< lower case, no final period
    std::vector<std::string> statements;
    std::string note; ///< what an operator should decide or know; may be empty
};

[[nodiscard]] std::string_view name_of(Difference::Kind kind);

/// Empty when the two sides are equal. Run in order, the statements make them so.
[[nodiscard]] std::vector<Difference> compare(const Definitions &source, const Definitions &target);

} // namespace walbridge::schema::compare
