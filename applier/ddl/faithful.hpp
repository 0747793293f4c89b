// faithful.hpp: a changed parse tree as text, proven: the text is parsed again and has to give the same tree. What the
// library cannot write is tried by replacing the changed names in the original text, with the same proof.
#pragma once

#include "change/ddl_statement.hpp"

#include <optional>
#include <string>

namespace pg_query {
class ParseResult;
}

namespace walbridge::ddl {

/// Nothing when no text gives this tree.
[[nodiscard]] std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted);

} // namespace walbridge::ddl
