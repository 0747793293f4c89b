// quote.cpp: quoting for MySQL and MariaDB.
#include "dialect/mysql/quote.hpp"

#include "base/error.hpp"
#include "base/mysql/literal.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::dialect::mysql {
namespace {

std::string in_backticks(std::string_view name) {
    std::string out = "`";
    for (const char c : name) {
        if (c == '`') out += '`';
        out += c;
    }
    return out + '`';
}

} // namespace

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string name_problem(std::string_view name) {
    if (name.empty()) return "the name is empty";
    if (name.back() == ' ') return "MySQL has no names that end in a space";
    if (const auto length = characters(name); length > longest_name)
        return fmt::format("the name has {} characters and MySQL's have at most {}", length, longest_name);
    const auto supplementary = [](char c) { return static_cast<unsigned char>(c) >= 0xF0U; };
    if (std::ranges::any_of(name, supplementary)) return "MySQL's names have no characters beyond U+FFFF";
    return {};
}

std::string quote_identifier(std::string_view name) {
    if (auto problem = name_problem(name); !problem.empty())
        throw Error(ErrorKind::target_shape, std::string(name), std::move(problem),
                    "Rename it on the source, give a table another name with rename in [[objects.table]], or leave it "
                    "out of the task.");
    return in_backticks(name);
}

std::string quote(const QualifiedName &name) {
    return quote_identifier(name.schema) + "." + quote_identifier(name.name);
}

std::string quote_list(const std::vector<std::string> &names) {
    std::string out;
    for (const auto &name : names) {
        if (!out.empty()) out += ", ";
        out += quote_identifier(name);
    }
    return out;
}

std::string quote_literal(std::string_view text) { return my::quote_literal(text); }

std::string hex_literal(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "x'";
    out.reserve(bytes.size() * 2 + 3);
    for (const char c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 0x0FU];
    }
    out += '\'';
    return out;
}

} // namespace walbridge::dialect::mysql
