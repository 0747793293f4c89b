// identifiers.cpp: only ASCII letters are folded, like the server in a multibyte encoding.
#include "ddl/identifiers.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>

namespace walbridge::ddl {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

void skip_blanks(std::string_view text, std::size_t &at) {
    while (at < text.size() && is_blank(text[at])) ++at;
}

bool needs_no_quotes(std::string_view name) {
    if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

} // namespace

std::optional<std::vector<std::string>> split_identifiers(std::string_view text, char separator) {
    std::vector<std::string> names;
    std::size_t at = 0;
    skip_blanks(text, at);
    if (at == text.size()) return names;
    for (;;) {
        std::string name;
        if (text[at] == '"') {
            for (++at;; ++at) {
                if (at == text.size()) return std::nullopt;
                if (text[at] == '"') {
                    if (at + 1 == text.size() || text[at + 1] != '"') break;
                    ++at;
                }
                name += text[at];
            }
            ++at;
        } else {
            for (; at < text.size() && text[at] != separator && !is_blank(text[at]); ++at)
                name += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] + ('a' - 'A')) : text[at];
            if (name.empty()) return std::nullopt;
        }
        names.push_back(std::move(name));
        skip_blanks(text, at);
        if (at == text.size()) return names;
        if (text[at] != separator) return std::nullopt;
        ++at;
        skip_blanks(text, at);
        if (at == text.size()) return std::nullopt;
    }
}

std::string join_identifiers(const std::vector<std::string> &names, std::string_view separator) {
    std::string text;
    for (const std::string &name : names) {
        if (!text.empty()) text += separator;
        text += needs_no_quotes(name) ? name : dialect::postgres::quote_identifier(name);
    }
    return text;
}

} // namespace walbridge::ddl
