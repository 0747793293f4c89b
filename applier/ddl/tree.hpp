// tree.hpp: text to parse tree and back, through libpg_query. Safe to use from several threads: the library keeps its
// memory by thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace google::protobuf {
class Message;
}
namespace pg_query {
class ParseResult;
class Node;
} // namespace pg_query

namespace walbridge::ddl {

/// Reads `text` into `tree`. Gives the parser's message when it cannot.
[[nodiscard]] std::optional<std::string> parse(const std::string &text, pg_query::ParseResult &tree);

/// Writes the tree as text; nothing when the library does not know a form in it.
[[nodiscard]] std::optional<std::string> deparse(const pg_query::ParseResult &tree);

/// The same statement, wherever its parts stand in the text.
[[nodiscard]] bool same_statement(const pg_query::ParseResult &a, const pg_query::ParseResult &b);

/// Visits `root` and every message below it, parents first. A visitor that answers false keeps the walk from going
/// below the message it was given.
void walk(google::protobuf::Message &root, const std::function<bool(google::protobuf::Message &)> &visit);

} // namespace walbridge::ddl
