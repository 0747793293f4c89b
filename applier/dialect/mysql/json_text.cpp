// json_text.cpp: one pass over the text, without an array in between.
#include "dialect/mysql/json_text.hpp"

namespace walbridge::dialect::mysql {
namespace {

/// Numbers that JSON has no form for are strings there.
bool is_json_number_text(std::string_view text) {
    return !text.empty() && (text.front() == '-' ? text.size() > 1 && text[1] >= '0' && text[1] <= '9'
                                                 : text.front() >= '0' && text.front() <= '9');
}

/// Reads "..." with backslash escapes from `at` (behind the opening quote) on; `at` ends behind the closing one.
bool read_quoted(std::string_view text, std::size_t &at, std::string &value) {
    value.clear();
    for (; at < text.size(); ++at) {
        char c = text[at];
        if (c == '"') {
            ++at;
            return true;
        }
        if (c == '\\') {
            if (++at == text.size()) return false;
            c = text[at];
        }
        value += c;
    }
    return false;
}

bool take(std::string_view text, std::size_t &at, std::string_view expected) {
    if (!text.substr(at).starts_with(expected)) return false;
    at += expected.size();
    return true;
}

} // namespace

void append_json_string(std::string &json, std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    json += '"';
    for (const char c : text) {
        switch (c) {
        case '"': json += "\\\""; break;
        case '\\': json += "\\\\"; break;
        case '\b': json += "\\b"; break;
        case '\f': json += "\\f"; break;
        case '\n': json += "\\n"; break;
        case '\r': json += "\\r"; break;
        case '\t': json += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20U) {
                json += "\\u00";
                json += digits[static_cast<unsigned char>(c) >> 4U];
                json += digits[static_cast<unsigned char>(c) & 0x0FU];
            } else {
                json += c;
            }
        }
    }
    json += '"';
}

bool array_as_json(std::string_view text, Elements elements, char delimiter, std::string &json) {
    if (text.empty() || text.front() != '{') return false; // [2:3]={...}
    std::size_t at = 0;
    int depth = 0;
    std::string element;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '{') {
            json += '[';
            ++depth;
            ++at;
        } else if (c == '}') {
            json += ']';
            ++at;
            if (--depth == 0) break;
        } else if (c == delimiter) {
            json += ", ";
            ++at;
        } else if (c == '"') {
            ++at;
            if (!read_quoted(text, at, element)) return false;
            append_json_string(json, element);
        } else {
            const auto begin = at;
            while (at < text.size() && text[at] != delimiter && text[at] != '}') ++at;
            const auto plain = text.substr(begin, at - begin);
            if (plain == "NULL")
                json += "null";
            else if (elements == Elements::number && is_json_number_text(plain))
                json += plain;
            else if (elements == Elements::boolean && (plain == "t" || plain == "f"))
                json += plain == "t" ? "true" : "false";
            else
                append_json_string(json, plain);
        }
    }
    return depth == 0 && at == text.size();
}

bool hstore_as_json(std::string_view text, std::string &json) {
    json += '{';
    std::string part;
    for (std::size_t at = 0; at < text.size();) {
        if (at != 0) {
            if (!take(text, at, ", ")) return false;
            json += ", ";
        }
        if (!take(text, at, "\"") || !read_quoted(text, at, part)) return false;
        append_json_string(json, part);
        json += ": ";
        if (!take(text, at, "=>")) return false;
        if (take(text, at, "NULL")) {
            json += "null";
            continue;
        }
        if (!take(text, at, "\"") || !read_quoted(text, at, part)) return false;
        append_json_string(json, part);
    }
    json += '}';
    return true;
}

} // namespace walbridge::dialect::mysql
