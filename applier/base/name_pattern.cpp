// name_pattern.cpp: see name_pattern.hpp.
#include "base/name_pattern.hpp"

#include <algorithm>

namespace walbridge {
namespace {

/// Length of the UTF-8 character at the front of a text that is not empty.
std::size_t character_bytes(std::string_view text) {
    std::size_t bytes = 1;
    while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) ++bytes;
    return bytes;
}

bool match_rest(std::string_view pattern, std::string_view name, std::vector<std::string> &captures) {
    if (pattern.empty()) return name.empty();
    if (pattern.front() == '*') {
        for (std::size_t taken = 0;; taken += character_bytes(name.substr(taken))) {
            captures.emplace_back(name.substr(0, taken));
            if (match_rest(pattern.substr(1), name.substr(taken), captures)) return true;
            captures.pop_back();
            if (taken == name.size()) return false;
        }
    }
    if (name.empty()) return false;
    if (pattern.front() == '?') {
        const auto bytes = character_bytes(name);
        captures.emplace_back(name.substr(0, bytes));
        if (match_rest(pattern.substr(1), name.substr(bytes), captures)) return true;
        captures.pop_back();
        return false;
    }
    return pattern.front() == name.front() && match_rest(pattern.substr(1), name.substr(1), captures);
}

bool digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

std::optional<std::vector<std::string>> NamePattern::match(std::string_view name) const {
    std::vector<std::string> captures;
    if (exact()) return name == text ? std::optional(captures) : std::nullopt;
    if (!match_rest(text, name, captures)) return std::nullopt;
    return captures;
}

std::string expand(std::string_view name_template, const std::vector<std::string> &captures, std::string_view whole) {
    std::string name;
    for (std::size_t at = 0; at < name_template.size(); ++at) {
        const char next = at + 1 < name_template.size() ? name_template[at + 1] : '\0';
        if (name_template[at] != '$' || (next != '$' && !digit(next))) {
            name += name_template[at];
            continue;
        }
        ++at;
        if (next == '$')
            name += '$';
        else if (next == '0')
            name += whole;
        else if (const auto place = static_cast<std::size_t>(next - '1'); place < captures.size())
            name += captures[place];
    }
    return name;
}

int highest_capture(std::string_view name_template) {
    int highest = 0;
    for (std::size_t at = 0; at + 1 < name_template.size(); ++at) {
        if (name_template[at] != '$') continue;
        ++at;
        if (digit(name_template[at])) highest = std::max(highest, name_template[at] - '0');
    }
    return highest;
}

int captures_of(const NamePattern &pattern) {
    if (pattern.literal) return 0;
    return static_cast<int>(std::ranges::count_if(pattern.text, [](char c) { return c == '*' || c == '?'; }));
}

} // namespace walbridge
