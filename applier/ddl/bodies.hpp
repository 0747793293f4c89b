// bodies.hpp: function bodies in strings are not part of the tree: nobody can rename in them, only find the names.
#pragma once

#include "change/name_map.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

/// The names in the text of a function that are called differently on the target, as written there: "sales.",
/// "public.orders" or "orders". Comments do not count; literals do (dynamic SQL). May name too many, never too few.
[[nodiscard]] std::vector<std::string> renamed_names_in(std::string_view body, const NameMap &names);

/// The same for every string body of a statement (CREATE FUNCTION in SQL, PL/pgSQL and other script languages).
[[nodiscard]] std::vector<std::string> renamed_names_in_bodies(const pg_query::Node &statement, const NameMap &names);

} // namespace walbridge::ddl
