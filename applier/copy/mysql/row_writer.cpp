// row_writer.cpp: fields of COPY's text form: separated by tabs, \N is NULL, escapes by backslash.
#include "copy/mysql/row_writer.hpp"

#include "base/mysql/literal.hpp"

#include <algorithm>

namespace walbridge::copy::mysql {
namespace {

constexpr std::size_t shown_of_row = 200;

/// The character that an escape of COPY stands for.
char unescaped(char escape) {
    switch (escape) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return escape;
    }
}

/// The field's text; a view of `field` itself where it has no escapes.
std::string_view unescape(std::string_view field, std::string &out) {
    const auto first = field.find('\\');
    if (first == std::string_view::npos) return field;
    out.assign(field.substr(0, first));
    for (auto at = first; at < field.size(); ++at) {
        if (field[at] == '\\' && at + 1 < field.size())
            out += unescaped(field[++at]);
        else
            out += field[at];
    }
    return out;
}

/// Both read \\, \b, \n, \r, \t alike; \f and \v only COPY knows.
bool same_escapes(std::string_view field) {
    for (auto at = field.find('\\'); at != std::string_view::npos; at = field.find('\\', at + 2))
        if (at + 1 < field.size() && (field[at + 1] == 'f' || field[at + 1] == 'v')) return false;
    return true;
}

void append_escaped(std::string &out, std::string_view text) {
    for (const char c : text) switch (c) {
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default: out += c;
        }
}

/// Calls `each(place, field)` for the row's fields; the end of line is none of it.
template <class Each> void split(std::string_view row, std::size_t fields, Each each) {
    if (row.ends_with('\n')) row.remove_suffix(1);
    for (std::size_t place = 0; place < fields; ++place) {
        const auto tab = std::min(row.find('\t'), row.size());
        each(place, row.substr(0, tab));
        row.remove_prefix(std::min(tab + 1, row.size()));
    }
}

/// The value as it is stored; nullopt: NULL.
std::optional<std::string_view> written(std::string_view field, std::size_t place, const Field &column,
                                        std::string &unescaping, std::string &scratch, std::string_view row) {
    const auto text = unescape(field, unescaping);
    try {
        return column.writer.write(text, scratch);
    } catch (const dialect::mysql::ValueError &error) {
        throw FieldError{place, error, std::string(row.substr(0, shown_of_row))};
    }
}

} // namespace

void append_load_line(std::string &out, std::string_view row, const std::vector<Field> &fields, std::string &scratch) {
    std::string unescaping;
    split(row, fields.size(), [&](std::size_t place, std::string_view field) {
        if (place > 0) out += '\t';
        const auto &column = fields[place];
        if (field == "\\N" || (!column.writer.converts() && !column.writer.binary() && same_escapes(field))) {
            out += field;
            return;
        }
        const auto value = written(field, place, column, unescaping, scratch, row);
        if (!value)
            out += "\\N";
        else if (column.writer.binary())
            my::append_hexadecimal(out, *value);
        else
            append_escaped(out, *value);
    });
    out += '\n';
}

void append_insert_row(std::string &sql, std::string_view row, const std::vector<Field> &fields, std::string &scratch) {
    std::string unescaping;
    split(row, fields.size(), [&](std::size_t place, std::string_view field) {
        sql += place == 0 ? "(" : ", ";
        const auto &column = fields[place];
        const auto value = field == "\\N" ? std::nullopt : written(field, place, column, unescaping, scratch, row);
        if (!value)
            sql += "NULL";
        else if (column.writer.binary())
            my::append_bytes(sql, *value);
        else
            my::append_literal(sql, *value);
    });
    sql += ")";
}

} // namespace walbridge::copy::mysql
