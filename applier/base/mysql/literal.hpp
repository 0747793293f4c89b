// literal.hpp: values inside SQL text for sessions of my::Session, whose sql_mode has NO_BACKSLASH_ESCAPES: a quote is
// doubled and nothing else is special, whatever bytes a value holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::my {

/// 'text', appended.
void append_literal(std::string &sql, std::string_view text);
/// Two digits for each byte, appended.
void append_hexadecimal(std::string &out, std::string_view bytes);
/// x'...', appended.
void append_bytes(std::string &sql, std::string_view bytes);
[[nodiscard]] std::string quote_literal(std::string_view text);

/// `statement` with its parameters $1, $2 ... replaced by literals; those inside quotes, identifiers and comments are
/// left alone. Throws Error(internal) for a parameter that is not given.
[[nodiscard]] std::string bind(std::string_view statement, const std::vector<std::optional<std::string>> &parameters);

} // namespace walbridge::my
