// statements.cpp: cuts at semicolons that stand outside of everything.
#include "schema/compare/statements.hpp"

#include "schema/dump_parser.hpp"

#include <cctype>

namespace walbridge::schema::compare {
namespace {

bool part_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }

std::string trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
    return std::string(text);
}

/// Where the last part of a name begins.
std::size_t last_part_at(std::string_view name) {
    std::size_t begin = 0;
    for (std::size_t at = 0; at < name.size();) {
        if (name[at] == '.') begin = at + 1;
        at = token_end(name, at);
    }
    return begin;
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

std::vector<std::string> split_statements(std::string_view text) {
    std::vector<std::string> statements;
    std::size_t begin = 0;
    int depth = 0; // of BEGIN ATOMIC and of the CASE ... END inside
    std::string before;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = token_end(text, at);
        if (end == at + 1 && part_of_word(text[at])) {
            auto last = at;
            while (last < text.size() && part_of_word(text[last])) ++last;
            std::string word(text.substr(at, last - at));
            for (auto &c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
            if (before == "BEGIN" && word == "ATOMIC")
                depth = 1;
            else if (depth > 0 && word == "CASE")
                ++depth;
            else if (depth > 0 && word == "END")
                --depth;
            before = std::move(word);
            // A literal may follow at once (E'...'): the scanner looks back at the letter itself.
            at = last;
            continue;
        }
        if (text[at] == ';' && end == at + 1 && depth == 0) {
            if (auto one = trimmed(text.substr(begin, at - begin)); !one.empty()) statements.push_back(std::move(one));
            begin = end;
        }
        at = end;
    }
    if (auto last = trimmed(text.substr(begin)); !last.empty()) statements.push_back(std::move(last));
    return statements;
}

Parts parts_of(std::string_view text) {
    Parts parts;
    for (auto &statement : split_statements(text)) {
        if (statement.starts_with("ALTER ") && contains(statement, " OWNER TO "))
            parts.owner_statement = std::move(statement);
        else if (statement.starts_with("ALTER TABLE ") &&
                 (contains(statement, " REPLICA IDENTITY ") || contains(statement, " CLUSTER ON ")))
            continue;
        else
            parts.definition.push_back(std::move(statement));
    }
    return parts;
}

std::string last_part(std::string_view name) { return std::string(name.substr(last_part_at(name))); }

std::string first_parts(std::string_view name) {
    const auto at = last_part_at(name);
    return std::string(name.substr(0, at == 0 ? 0 : at - 1));
}

} // namespace walbridge::schema::compare
