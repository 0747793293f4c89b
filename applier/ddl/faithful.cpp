// faithful.cpp: the library's writer knows most forms, not all, and a few it writes wrongly.
#include "ddl/faithful.hpp"

#include "ddl/tree.hpp"

#include <pg_query.pb.h>

namespace walbridge::ddl {

namespace {

bool gives(const std::string &text, const pg_query::ParseResult &wanted) {
    pg_query::ParseResult again;
    return !parse(text, again) && same_statement(again, wanted);
}

} // namespace

std::optional<std::string> faithful_text(const pg_query::ParseResult &wanted) {
    auto text = deparse(wanted);
    if (text && gives(*text, wanted)) return text;
    return std::nullopt;
}

} // namespace walbridge::ddl
