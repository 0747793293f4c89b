// never.hpp: statements that are not replicated, whatever the task selects.
#pragma once

#include <optional>
#include <string>

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

/// Why the statement is left out; nothing when it may be replicated.
[[nodiscard]] std::optional<std::string> never_replicated(const pg_query::Node &statement);
/// The same by the tag, for statements without text.
[[nodiscard]] std::optional<std::string> never_replicated(const std::string &tag);

} // namespace walbridge::ddl
