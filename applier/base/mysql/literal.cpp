// literal.cpp: quoting, and putting parameters into statements.
#include "base/mysql/literal.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace walbridge::my {
namespace {

/// The end of the token that begins at `at`, if it is one whose text is left alone; else `at` itself.
std::size_t skip_quoted(std::string_view sql, std::size_t at) {
    const char c = sql[at];
    const auto behind = [&](std::string_view end, std::size_t from) {
        const auto found = sql.find(end, from);
        return found == std::string_view::npos ? sql.size() : found + end.size();
    };
    if (c == '\'' || c == '"' || c == '`') return behind(sql.substr(at, 1), at + 1); // a doubled one begins another
    if (sql.substr(at, 3) == "-- ") return behind("\n", at);
    if (sql.substr(at, 2) == "/*") return behind("*/", at + 2);
    return at;
}

} // namespace

void append_literal(std::string &sql, std::string_view text) {
    sql += '\'';
    for (;;) {
        const auto quote = text.find('\'');
        if (quote == std::string_view::npos) break;
        sql.append(text.substr(0, quote + 1));
        sql += '\'';
        text.remove_prefix(quote + 1);
    }
    sql.append(text);
    sql += '\'';
}

void append_hexadecimal(std::string &out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    auto at = out.size();
    out.resize(at + bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out[at++] = digits[byte >> 4];
        out[at++] = digits[byte & 15];
    }
}

void append_bytes(std::string &sql, std::string_view bytes) {
    sql += "x'";
    append_hexadecimal(sql, bytes);
    sql += '\'';
}

std::string quote_literal(std::string_view text) {
    std::string sql;
    append_literal(sql, text);
    return sql;
}

std::string bind(std::string_view statement, const std::vector<std::optional<std::string>> &parameters) {
    std::string sql;
    sql.reserve(statement.size() + 64);
    for (std::size_t at = 0; at < statement.size();) {
        if (const auto end = skip_quoted(statement, at); end != at) {
            sql.append(statement.substr(at, end - at));
            at = end;
            continue;
        }
        std::size_t number = 0;
        const auto *const first = statement.data() + at + 1;
        const auto *const end = statement.data() + statement.size();
        const auto *const after = statement[at] == '$' ? std::from_chars(first, end, number).ptr : first;
        if (number == 0) {
            sql += statement[at++];
            continue;
        }
        if (number > parameters.size())
            throw Error(ErrorKind::internal, "statement", fmt::format("parameter ${} is not given", number));
        if (const auto &value = parameters[number - 1])
            append_literal(sql, *value);
        else
            sql += "NULL";
        at = static_cast<std::size_t>(after - statement.data());
    }
    return sql;
}

} // namespace walbridge::my
