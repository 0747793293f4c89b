// quote.hpp: SQL text for MySQL and MariaDB: the one place that quotes identifiers and literals.
//
// Literals are those of a session whose sql_mode has NO_BACKSLASH_ESCAPES, as all of walbridge's have: a backslash is a
// character like any other, so that what a literal means does not depend on its content.
#pragma once

#include "base/qualified_name.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::dialect::mysql {

/// Characters of the longest name of a database, table, column, index or constraint.
inline constexpr std::size_t longest_name = 64;

/// Why the server cannot have an object of this name: too long, ending in a space, with characters outside of the Basic
/// Multilingual Plane, empty; empty text when it can.
[[nodiscard]] std::string name_problem(std::string_view name);
/// `name` in backticks. Throws Error(target_shape) when the server cannot have it.
[[nodiscard]] std::string quote_identifier(std::string_view name);
/// database.table, both quoted.
[[nodiscard]] std::string quote(const QualifiedName &name);
/// `a`, `b`, `c`.
[[nodiscard]] std::string quote_list(const std::vector<std::string> &names);
/// `text` as a string literal.
[[nodiscard]] std::string quote_literal(std::string_view text);
/// `bytes` as x'...'.
[[nodiscard]] std::string hex_literal(std::string_view bytes);
/// Characters of UTF-8 text.
[[nodiscard]] std::size_t characters(std::string_view text);

} // namespace walbridge::dialect::mysql
