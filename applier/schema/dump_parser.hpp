// dump_parser.hpp: splits the plain output of `pg_dump --verbose` into its entries.
// An entry begins with a comment of pg_dump's (TOC entry, Dependencies, Name). Such lines count only outside of
// literals, quoted names and comments: a function's body may hold text that looks like them.
#pragma once

#include "source/object_graph.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::schema {

struct DumpEntry {
    int number = 0;                 ///< pg_dump's dump id
    source::ObjectId id;            ///< zero where pg_dump gives none (comments, grants, attachments)
    std::vector<int> dependencies;  ///< dump ids; only where pg_dump prints them
    std::string name, type, schema; ///< `schema` is empty for "-"
    std::string statement;          ///< one or more statements, without pg_dump's comments
};

/// Where the token that starts at `at` ends: a literal, a quoted name, a dollar-quoted text, a comment or one
/// character.
[[nodiscard]] std::size_t token_end(std::string_view text, std::size_t at);

/// In the dump's order. Settings, psql commands (\restrict) and comments are left out; a table access method other than
/// heap becomes part of the statement.
[[nodiscard]] std::vector<DumpEntry> parse_dump(std::string_view dump);

} // namespace walbridge::schema
