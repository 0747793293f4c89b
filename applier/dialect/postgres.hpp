// postgres.hpp: SQL text for PostgreSQL: the one place that quotes identifiers and literals.
#pragma once

#include "base/qualified_name.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::dialect::postgres {

/// `name` as a quoted identifier, always in double quotes.
[[nodiscard]] std::string quote_identifier(std::string_view name);
/// schema.table, both quoted.
[[nodiscard]] std::string quote(const QualifiedName &name);
/// `text` as a string literal, valid under standard_conforming_strings = on.
[[nodiscard]] std::string quote_literal(std::string_view text);
/// "a", "b", "c".
[[nodiscard]] std::string quote_list(const std::vector<std::string> &names);

} // namespace walbridge::dialect::postgres
