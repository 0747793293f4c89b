// object_name.cpp: see object_name.hpp.
#include "config/object_name.hpp"

#include <fmt/format.h>

namespace walbridge::config {
namespace {

/// A longer identifier is cut off by the server, which would then be another name.
constexpr std::size_t most_bytes = 63;

[[noreturn]] void refuse(std::string reason, std::string remedy) {
    throw Error(ErrorKind::configuration, {}, std::move(reason), std::move(remedy));
}

const char *const how = "Write schema.table; names that hold dots, blanks, commas, *, ? or quotes stand in double "
                        "quotes: \"My Schema\".\"a.b\".";

std::string quoted_part(std::string_view text, std::size_t &at) {
    std::string part;
    for (++at;; ++at) {
        if (at == text.size()) refuse(fmt::format("\"{}\": a double quote is not closed", text), how);
        if (text[at] == '"') {
            if (at + 1 == text.size() || text[at + 1] != '"') break;
            ++at;
        }
        part += text[at];
    }
    ++at;
    return part;
}

std::string plain_part(std::string_view text, std::size_t &at) {
    const auto begin = at;
    at = std::min(text.find('.', at), text.size());
    auto part = std::string(text.substr(begin, at - begin));
    if (part.find_first_of("\", \t\r\n") != std::string::npos)
        refuse(fmt::format("\"{}\": the name needs double quotes as a whole", text), how);
    return part;
}

} // namespace

std::vector<NamePattern> parse_name_pattern(std::string_view text) {
    std::vector<NamePattern> parts;
    for (std::size_t at = 0;; ++at) {
        const bool quoted = at < text.size() && text[at] == '"';
        parts.push_back({quoted ? quoted_part(text, at) : plain_part(text, at), quoted});
        if (parts.back().text.empty()) refuse(fmt::format("\"{}\": a name is empty", text), how);
        if (parts.back().text.size() > most_bytes)
            refuse(fmt::format("\"{}\": a name is longer than the {} bytes that PostgreSQL keeps", text, most_bytes),
                   "Choose a shorter name.");
        if (at == text.size()) return parts;
        if (text[at] != '.') refuse(fmt::format("\"{}\": unexpected text behind a quoted name", text), how);
    }
}

std::vector<std::string> parse_object_name(std::string_view text) {
    std::vector<std::string> names;
    for (auto &part : parse_name_pattern(text)) {
        if (!part.exact())
            refuse(fmt::format("\"{}\" is a pattern where one name is needed", text),
                   "A name that holds * or ? stands in double quotes.");
        names.push_back(std::move(part.text));
    }
    return names;
}

} // namespace walbridge::config
