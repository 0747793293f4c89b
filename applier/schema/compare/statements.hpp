// statements.hpp: pg_dump's text cut into statements, and told apart: what defines the object, who owns it, what is the
// source's own business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::schema::compare {

/// The statements of `text`, without the semicolons and the space around them. Knows literals, quoted names, dollar
/// quotes and comments, and that a routine's body may hold statements (BEGIN ATOMIC ... END).
[[nodiscard]] std::vector<std::string> split_statements(std::string_view text);

struct Parts {
    std::vector<std::string> definition;
    std::string owner_statement; ///< ALTER ... OWNER TO role; empty = none
};

/// Leaves out what is no part of a definition: replica identity, marks for CLUSTER.
[[nodiscard]] Parts parts_of(std::string_view text);

/// The last part of a quoted, qualified name: "b.c" of a."b.c".
[[nodiscard]] std::string last_part(std::string_view name);
/// What stands before it: a of a."b.c"; empty for a single name.
[[nodiscard]] std::string first_parts(std::string_view name);

} // namespace walbridge::schema::compare
