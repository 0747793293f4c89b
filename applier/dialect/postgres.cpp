// postgres.cpp: quoting for PostgreSQL.
#include "dialect/postgres.hpp"

namespace walbridge::dialect::postgres {
namespace {

std::string wrap(std::string_view text, char quote) {
    std::string out;
    out.reserve(text.size() + 2);
    out += quote;
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    out += quote;
    return out;
}

} // namespace

std::string quote_identifier(std::string_view name) { return wrap(name, '"'); }

std::string quote(const QualifiedName &name) {
    return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

std::string quote_literal(std::string_view text) { return wrap(text, '\''); }

std::string quote_list(const std::vector<std::string> &names) {
    std::string out;
    for (const auto &name : names) {
        if (!out.empty()) out += ", ";
        out += quote_identifier(name);
    }
    return out;
}

} // namespace walbridge::dialect::postgres
