// faithful.hpp: a changed parse tree as text, proven: the text is parsed again and has to give the same tree. What the
// library writes wrongly is tried in a second way, by putting the changed names into the original text, with the same
// proof.
#pragma once

#include <optional>
#include <string>

namespace pg_query {
class ParseResult;
}

namespace walbridge::ddl {

/// Nothing when no text gives this tree. `original` is the tree of `original_text`.
[[nodiscard]] std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted,
                                                       const pg_query::ParseResult &original,
                                                       const std::string &original_text);
/// For trees that were made here.
[[nodiscard]] std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted);

} // namespace walbridge::ddl
