// object_selection.cpp: parsing and matching of object patterns.
#include "wire/object_selection.hpp"

#include <algorithm>

namespace walbridge::wire {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void skip_blanks(std::string_view text, std::size_t &position) {
    while (position < text.size() && is_blank(text[position])) ++position;
}

[[noreturn]] void fail(std::string_view text, const std::string &reason) {
    throw PatternError("invalid pattern \"" + std::string(text) + "\": " + reason);
}

// Length of the UTF-8 character at the front of a non-empty text; stray continuation bytes count as characters of their
// own.
std::size_t character_bytes(std::string_view text) {
    std::size_t n = 1;
    while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) ++n;
    return n;
}

} // namespace

bool wildcard_match(std::string_view pattern, std::string_view name) {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star =
        std::string_view::npos; // where to take up again: behind the last star, one more character given to it
    std::size_t star_name = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_name = n;
        } else if (p < pattern.size() && pattern[p] == '?') {
            ++p;
            n += character_bytes(name.substr(n));
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            star_name += character_bytes(name.substr(star_name));
            n = star_name;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool ObjectPattern::Part::matches(std::string_view name) const {
    return literal ? name == text : wildcard_match(text, name);
}

ObjectPattern::Part ObjectPattern::parse_part(std::string_view text, std::size_t &position) {
    Part part;
    if (position < text.size() && text[position] == '"') {
        part.literal = true;
        for (++position;; ++position) {
            if (position == text.size()) fail(text, "a double quote is not closed");
            if (text[position] == '"') {
                if (position + 1 == text.size() || text[position + 1] != '"') break;
                ++position;
            }
            part.text += text[position];
        }
        ++position;
    } else {
        while (position < text.size() && text[position] != '.' && text[position] != ',' && !is_blank(text[position])) {
            if (text[position] == '"') fail(text, "a double quote must enclose the whole schema or table name");
            part.text += text[position++];
        }
    }
    if (part.text.empty()) fail(text, "a schema or table name is empty, expected schema.table");
    return part;
}

ObjectPattern ObjectPattern::parse(std::string_view text, std::size_t &position) {
    ObjectPattern pattern;
    skip_blanks(text, position);
    pattern.schema_ = parse_part(text, position);
    if (position == text.size() || text[position] != '.')
        fail(
            text,
            "expected schema.table, for example \"public.*\"; names with blanks, dots or commas go into double quotes");
    ++position;
    pattern.table_ = parse_part(text, position);
    skip_blanks(text, position);
    return pattern;
}

ObjectPattern::ObjectPattern(std::string_view text) {
    std::size_t position = 0;
    *this = parse(text, position);
    if (position != text.size()) fail(text, "unexpected text after schema.table");
}

bool ObjectPattern::matches(std::string_view schema, std::string_view table) const {
    return schema_.matches(schema) && table_.matches(table);
}

std::vector<ObjectPattern> parse_patterns(std::string_view text) {
    std::vector<ObjectPattern> patterns;
    std::size_t position = 0;
    skip_blanks(text, position);
    if (position == text.size()) return patterns;
    for (;;) {
        patterns.push_back(ObjectPattern::parse(text, position));
        if (position == text.size()) return patterns;
        if (text[position] != ',') fail(text, "expected a comma between patterns");
        ++position;
    }
}

std::string join_patterns(const std::vector<std::string> &patterns) {
    std::string joined;
    for (const std::string &pattern : patterns) {
        const ObjectPattern checked(pattern);
        if (!joined.empty()) joined += ',';
        joined += pattern;
    }
    return joined;
}

ObjectSelection::ObjectSelection(const std::vector<std::string> &include, const std::vector<std::string> &exclude) {
    for (const std::string &text : include) include_.emplace_back(text);
    for (const std::string &text : exclude) exclude_.emplace_back(text);
}

bool ObjectSelection::matches(std::string_view schema, std::string_view table) const {
    const auto hit = [&](const ObjectPattern &pattern) { return pattern.matches(schema, table); };
    return (include_.empty() || std::any_of(include_.begin(), include_.end(), hit)) &&
           std::none_of(exclude_.begin(), exclude_.end(), hit);
}

bool ObjectSelection::covers_schema(std::string_view schema) const {
    return matches(schema, "\x01 no table has this name \x01"); // only a pattern that ends in * takes it
}

bool ObjectSelection::touches_schema(std::string_view schema) const {
    return include_.empty() || std::any_of(include_.begin(), include_.end(), [&](const ObjectPattern &pattern) {
               return pattern.touches_schema(schema);
           });
}

} // namespace walbridge::wire
