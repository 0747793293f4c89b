// values.cpp: the way of a column's values is chosen once, from the form of the source's text and the kind of the
// target's column; a value then takes one branch.
#include "dialect/mysql/values.hpp"

#include "dialect/mysql/json_text.hpp"
#include "dialect/mysql/quote.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <iterator>

namespace walbridge::dialect::mysql {
namespace {

/// Column types that take a value alike.
enum class Kind { integer, bit, decimal, floating, date, time, datetime, character, bytes, label, json, other };

Kind kind_of(const ColumnType &column) {
    const std::string_view type = column.data_type;
    const auto one_of = [&](std::initializer_list<std::string_view> list) {
        return std::ranges::find(list, type) != list.end();
    };
    if (one_of({"tinyint", "smallint", "mediumint", "int", "bigint"})) return Kind::integer;
    if (one_of({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})) return Kind::character;
    if (one_of({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})) return Kind::bytes;
    if (one_of({"float", "double"})) return Kind::floating;
    if (one_of({"datetime", "timestamp"})) return Kind::datetime;
    if (type == "decimal") return Kind::decimal;
    if (type == "bit") return Kind::bit;
    if (type == "date") return Kind::date;
    if (type == "time") return Kind::time;
    if (type == "enum") return Kind::label;
    if (type == "json") return Kind::json;
    return Kind::other;
}

constexpr std::uint64_t longest_longtext = 4294967295U;

/// Bytes of the types whose limit is one of bytes, or 0.
std::size_t most_bytes(std::string_view data_type) {
    if (data_type == "tinytext" || data_type == "tinyblob") return 255;
    if (data_type == "text" || data_type == "blob") return 65535;
    if (data_type == "mediumtext" || data_type == "mediumblob") return 16777215;
    return 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal number taken apart: 00120.500 has the digits 1205, of which 3 stand before the point.
struct DecimalParts {
    bool negative = false;
    std::string digits; ///< without zeros at both ends
    long point = 0;     ///< digits before the point; negative: zeros between the point and the digits
};

std::optional<DecimalParts> take_apart(std::string_view text) {
    DecimalParts parts;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        parts.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    long exponent = 0;
    if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
        auto number = text.substr(e + 1);
        if (number.starts_with('+')) number.remove_prefix(1);
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), exponent);
        if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
        text = text.substr(0, e);
    }
    bool fraction = false, any = false;
    for (const char c : text) {
        if (c == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (!is_digit(c)) return std::nullopt;
        any = true;
        if (!fraction) ++parts.point;
        parts.digits += c;
    }
    if (!any) return std::nullopt;
    const auto first = std::min(parts.digits.find_first_not_of('0'), parts.digits.size());
    parts.digits.erase(0, first);
    parts.point -= static_cast<long>(first);
    parts.digits.erase(parts.digits.find_last_not_of('0') + 1);
    parts.point += exponent;
    if (parts.digits.empty()) parts.point = 0;
    return parts;
}

/// The parts as a plain number.
void put_together(const DecimalParts &parts, std::string &out) {
    out.clear();
    if (parts.digits.empty()) {
        out = "0";
        return;
    }
    if (parts.negative) out += '-';
    const auto count = static_cast<long>(parts.digits.size());
    if (parts.point <= 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-parts.point), '0');
        out += parts.digits;
    } else if (parts.point >= count) {
        out += parts.digits;
        out.append(static_cast<std::size_t>(parts.point - count), '0');
    } else {
        out.append(parts.digits, 0, static_cast<std::size_t>(parts.point));
        out += '.';
        out.append(parts.digits, static_cast<std::size_t>(parts.point));
    }
}

/// Half away from zero, as both databases round.
void round_to(DecimalParts &parts, int scale) {
    const long keep = parts.point + scale;
    if (keep >= static_cast<long>(parts.digits.size())) return;
    const bool up = keep >= 0 && parts.digits[static_cast<std::size_t>(keep)] >= '5';
    parts.digits.erase(static_cast<std::size_t>(std::max(keep, 0L)));
    if (up) {
        auto at = static_cast<long>(parts.digits.size()) - 1;
        while (at >= 0 && parts.digits[static_cast<std::size_t>(at)] == '9') --at;
        parts.digits.erase(static_cast<std::size_t>(at + 1));
        if (at >= 0) {
            ++parts.digits[static_cast<std::size_t>(at)];
        } else { // 999.6 becomes 1000, 0.006 becomes 0.01
            parts.digits = "1";
            ++parts.point;
        }
    }
    parts.digits.erase(parts.digits.find_last_not_of('0') + 1);
    if (parts.digits.empty()) parts.point = 0;
}

std::string largest_decimal(bool negative, int precision, int scale) {
    std::string out = negative ? "-" : "";
    out.append(static_cast<std::size_t>(precision - scale), '9');
    if (precision == scale) out += '0';
    if (scale > 0) {
        out += '.';
        out.append(static_cast<std::size_t>(scale), '9');
    }
    return out;
}

/// The value of each hex digit, -1 for all else.
constexpr std::array<std::int8_t, 256> hex_values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (unsigned digit = 0; digit < 10; ++digit) values['0' + digit] = static_cast<std::int8_t>(digit);
    for (unsigned digit = 10; digit < 16; ++digit)
        values['a' + digit - 10] = values['A' + digit - 10] = static_cast<std::int8_t>(digit);
    return values;
}();

int hex_digit(char c) { return hex_values[static_cast<unsigned char>(c)]; }

/// The bytes of pairs of hex digits; false on anything else.
bool read_hex(std::string_view digits, std::string &bytes) {
    if (digits.size() % 2 != 0) return false;
    bytes.resize(digits.size() / 2);
    int wrong = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
        wrong |= high | low;
        bytes[i] = static_cast<char>(static_cast<unsigned>(high) << 4U | static_cast<unsigned>(low));
    }
    return wrong >= 0;
}

/// A number's bytes, the highest first, as BIT columns take them.
void append_number(std::uint64_t number, int bits, std::string &bytes) {
    for (int byte = (bits + 7) / 8 - 1; byte >= 0; --byte)
        bytes += static_cast<char>((number >> (8U * static_cast<unsigned>(byte))) & 0xFFU);
}

/// Outside of the years 1 to 9999: 1 after them, -1 before them, 0 within.
int outside_of_years(std::string_view text) {
    if (text.starts_with("inf")) return 1;
    if (text.starts_with("-inf") || text.ends_with("BC")) return -1;
    return text.find('-') > 4 ? 1 : 0;
}

std::string_view year_problem(std::string_view text) {
    if (text.starts_with("inf") || text.starts_with("-inf")) return "infinity is no date of MySQL";
    return text.ends_with("BC") ? "MySQL has no dates before the year 1" : "MySQL has no dates after the year 9999";
}

/// Digits of the fraction of a second, zeros at the end left out.
std::size_t fraction_digits(std::string_view text) {
    const auto point = text.find('.');
    if (point == std::string_view::npos) return 0;
    auto end = text.find_first_not_of("0123456789", point + 1);
    if (end == std::string_view::npos) end = text.size();
    while (end > point + 1 && text[end - 1] == '0') --end;
    return end - point - 1;
}

constexpr auto *keep_text_remedy = "Give the column the policy null, clamp or text for such values.";

} // namespace

std::vector<std::string> labels_of(const ColumnType &column) {
    std::vector<std::string> labels;
    const std::string_view text = column.column_type;
    for (std::size_t at = text.find('('); at < text.size(); ++at) {
        if (text[at] != '\'') continue;
        std::string label;
        for (++at; at < text.size(); ++at) {
            if (text[at] == '\'') {
                if (at + 1 == text.size() || text[at + 1] != '\'') break;
                ++at;
            }
            label += text[at];
        }
        labels.push_back(std::move(label));
    }
    return labels;
}

ValueWriter::ValueWriter(const SourceType &source, const ColumnType &target, Unfit policy)
    : source_(source), target_(target), policy_(policy), form_(facts_of(source).form) {
    source_.element_oid = element_of(source_);
    const auto kind = kind_of(target_);
    binary_ = kind == Kind::bytes || kind == Kind::bit;
    if (kind == Kind::character || kind == Kind::bytes) {
        most_bytes_ = most_bytes(target_.data_type);
        if (most_bytes_ == 0 && target_.length && *target_.length < longest_longtext)
            (kind == Kind::character ? most_characters_ : most_bytes_) = static_cast<std::size_t>(*target_.length);
        const auto longest = facts_of(source_).longest;
        // The source keeps to its own limit.
        if (longest != 0 && longest <= most_characters_) most_characters_ = 0;
        if (longest != 0 && longest * bytes_per_character <= most_bytes_ && kind == Kind::character) most_bytes_ = 0;
    }
    if (kind == Kind::label) {
        labels_ = labels_of(target_);
        std::ranges::sort(labels_);
    }
    way_ = choose();
}

ValueWriter::Way ValueWriter::choose() const {
    switch (kind_of(target_)) {
    case Kind::integer:
        if (form_ == Form::boolean) return Way::boolean;
        if (form_ == Form::decimal || form_ == Form::money || form_ == Form::floating) return Way::decimal;
        return Way::pass;
    case Kind::decimal:
        return form_ == Form::integer && !target_.precision ? Way::pass
               : form_ == Form::boolean                     ? Way::boolean
                                                            : Way::decimal;
    case Kind::floating:
        return form_ == Form::boolean ? Way::boolean : form_ == Form::money ? Way::decimal : Way::floating;
    case Kind::bit:
        if (form_ == Form::boolean || form_ == Form::bits) return Way::bits;
        return form_ == Form::integer ? Way::integer_bits : Way::bytes;
    case Kind::date: return Way::date;
    case Kind::time: return form_ == Form::time ? Way::time : Way::pass;
    case Kind::datetime: return Way::datetime;
    case Kind::bytes: return form_ == Form::uuid && target_.data_type == "binary" ? Way::uuid_bytes : Way::bytes;
    case Kind::label: return Way::label;
    case Kind::character:
    case Kind::json:
        if (form_ == Form::array) return Way::array;
        if (form_ == Form::hstore) return Way::hstore;
        if (form_ == Form::blank_padded) return Way::unpadded;
        if (form_ == Form::character && target_.data_type == "char") return Way::characters;
        return most_characters_ != 0 || most_bytes_ != 0 ? Way::characters : Way::pass;
    case Kind::other: return Way::pass;
    }
    return Way::pass;
}

ValueWriter::Written ValueWriter::unfit(std::string reason, std::optional<std::string_view> nearest,
                                        std::string &scratch, std::string remedy) const {
    if (policy_ == Unfit::null) return std::nullopt;
    if (policy_ == Unfit::clamp && nearest) {
        scratch = std::string(*nearest);
        return scratch;
    }
    if (policy_ == Unfit::clamp && remedy.empty())
        remedy = "There is no nearest value: give the column the policy null or text for such values.";
    if (policy_ == Unfit::text && remedy.empty())
        remedy = fmt::format("The policy text needs a text column on the target; it is {} now.", target_.column_type);
    throw ValueError{std::move(reason), remedy.empty() ? keep_text_remedy : std::move(remedy)};
}

ValueWriter::Written ValueWriter::write(std::string_view text, std::string &scratch) const {
    switch (way_) {
    case Way::pass: return text;
    case Way::characters: return within_length(text, scratch);
    case Way::unpadded: {
        const auto end = text.find_last_not_of(' ');
        return within_length(text.substr(0, end == std::string_view::npos ? 0 : end + 1), scratch);
    }
    case Way::decimal: return decimal(text, scratch);
    case Way::floating: return floating(text, scratch);
    case Way::boolean: return text == "t" ? "1" : text == "f" ? "0" : text;
    case Way::bytes: return bytes(text, scratch);
    case Way::uuid_bytes: {
        std::string digits;
        std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '-'; });
        if (!read_hex(digits, scratch)) return unfit("the value is no uuid", std::nullopt, scratch);
    }
        return scratch;
    case Way::bits:
    case Way::integer_bits: return bits(text, scratch);
    case Way::date: return date(text, scratch);
    case Way::time: return time(text, scratch);
    case Way::datetime: return datetime(text, scratch);
    case Way::array: {
        constexpr std::uint32_t bool_oid = 16, box_oid = 603;
        const auto elements = is_json_number(source_.element_oid) ? Elements::number
                              : source_.element_oid == bool_oid   ? Elements::boolean
                                                                  : Elements::text;
        scratch.clear();
        if (array_as_json(text, elements, source_.element_oid == box_oid ? ';' : ',', scratch))
            return within_length(scratch, scratch);
        if (policy_ == Unfit::text) return within_length(text, scratch);
        return unfit("the array's indexes do not begin at 1, which JSON cannot tell", std::nullopt, scratch);
    }
    case Way::hstore:
        scratch.clear();
        if (!hstore_as_json(text, scratch)) return unfit("the value is no hstore", std::nullopt, scratch);
        return within_length(scratch, scratch);
    case Way::label:
        if (!std::ranges::binary_search(labels_, text))
            return unfit(fmt::format("\"{}\" is no label of the column", text), std::nullopt, scratch,
                         "Add the label to the target's column with ALTER TABLE ... MODIFY.");
        return text;
    }
    return text;
}

ValueWriter::Written ValueWriter::within_length(std::string_view text, std::string &scratch) const {
    if (way_ != Way::unpadded && target_.data_type == "char" && text.ends_with(' '))
        return unfit("the value ends in a space, which columns of type char do not keep", std::nullopt, scratch,
                     fmt::format("Make the column varchar({}) on the target.", target_.length.value_or(0)));
    if (most_bytes_ != 0 && text.size() > most_bytes_)
        return unfit(fmt::format("the value has {} bytes and the column holds {}", text.size(), most_bytes_),
                     std::nullopt, scratch, "Give the column a longer type on the target.");
    if (most_characters_ == 0 || text.size() <= most_characters_) return text;
    if (const auto length = mysql::characters(text); length > most_characters_)
        return unfit(fmt::format("the value has {} characters and the column holds {}", length, most_characters_),
                     std::nullopt, scratch, "Give the column a longer type on the target.");
    return text;
}

ValueWriter::Written ValueWriter::decimal(std::string_view text, std::string &scratch) const {
    if (form_ == Form::money) {
        std::string plain;
        for (const char c : text)
            if (c != '$' && c != ',') plain += c;
        if (!take_apart(plain))
            return unfit(fmt::format("\"{}\" is no amount in the form of lc_monetary = C", text), std::nullopt,
                         scratch);
        scratch = std::move(plain);
        text = scratch;
    }
    const bool integer = !target_.scale || target_.data_type != "decimal";
    // Columns of integers are judged for a fraction alone: the server refuses what is out of range.
    const int scale = integer ? 0 : *target_.scale;
    const int precision = integer ? 0 : target_.precision.value_or(0);
    if (target_.data_type == "double" || target_.data_type == "float") return text; // of money
    if (text == "NaN") return unfit("MySQL has no number NaN", std::nullopt, scratch);
    const bool negative = text.starts_with('-');
    if (text.ends_with("Infinity")) {
        if (integer) return unfit("MySQL has no number Infinity", std::nullopt, scratch);
        return unfit("MySQL has no number Infinity", largest_decimal(negative, precision, scale), scratch);
    }
    // Most values are short: the count of their characters is enough.
    if (text.find_first_of("eE") == std::string_view::npos) {
        const auto point = text.find('.');
        const auto before = (point == std::string_view::npos ? text.size() : point) - (negative ? 1U : 0U);
        const auto behind = point == std::string_view::npos ? 0 : text.size() - point - 1;
        if ((integer || before <= static_cast<std::size_t>(precision - scale)) &&
            behind <= static_cast<std::size_t>(scale))
            return text;
    }
    auto parts = take_apart(text);
    if (!parts) return unfit(fmt::format("\"{}\" is no number", text), std::nullopt, scratch);
    const auto behind = static_cast<long>(parts->digits.size()) - parts->point;
    const bool too_long = !integer && parts->point > precision - scale;
    if (!parts->digits.empty() && (too_long || behind > scale)) {
        const auto reason =
            too_long ? fmt::format("the value has {} digits before the point and the column holds {}", parts->point,
                                   precision - scale)
                     : fmt::format("the value has {} digits behind the point and the column holds {}", behind, scale);
        std::string nearest;
        round_to(*parts, scale);
        if (!integer && parts->point > precision - scale)
            nearest = largest_decimal(negative, precision, scale);
        else
            put_together(*parts, nearest);
        return unfit(reason, nearest, scratch);
    }
    std::string plain;
    put_together(*parts, plain);
    scratch = std::move(plain);
    return scratch;
}

ValueWriter::Written ValueWriter::floating(std::string_view text, std::string &scratch) const {
    if (text.empty() || is_digit(text.back())) return text;
    if (text == "NaN") return unfit("MySQL has no number NaN", std::nullopt, scratch);
    if (text.ends_with("Infinity")) {
        const bool single = target_.data_type == "float";
        const std::string_view nearest = text.starts_with('-') ? (single ? "-3.4028235e38" : "-1.7976931348623157e308")
                                                               : (single ? "3.4028235e38" : "1.7976931348623157e308");
        return unfit("MySQL has no number Infinity", nearest, scratch);
    }
    return text;
}

ValueWriter::Written ValueWriter::bytes(std::string_view text, std::string &scratch) const {
    if (form_ == Form::bytes) {
        if (!text.starts_with("\\x") || !read_hex(text.substr(2), scratch))
            return unfit("the value is not in bytea's hex form", std::nullopt, scratch,
                         "The session needs bytea_output = hex.");
        text = scratch;
    }
    if (most_bytes_ != 0 && text.size() > most_bytes_)
        return unfit(fmt::format("the value has {} bytes and the column holds {}", text.size(), most_bytes_),
                     std::nullopt, scratch, "Give the column a longer type on the target.");
    if (target_.data_type == "binary" && text.size() != most_bytes_)
        return unfit(fmt::format("the value has {} bytes and the column, which is of fixed length, {}", text.size(),
                                 most_bytes_),
                     std::nullopt, scratch, "Make the column varbinary or longblob on the target.");
    return text;
}

ValueWriter::Written ValueWriter::bits(std::string_view text, std::string &scratch) const {
    const int width = target_.precision.value_or(1);
    std::uint64_t number = 0;
    if (way_ == Way::integer_bits) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size() || (width < 64 && (number >> width) != 0))
            return unfit(fmt::format("{} does not fit into {} bits", text, width), std::nullopt, scratch);
    } else if (form_ == Form::boolean) {
        number = text == "t" ? 1 : 0;
    } else {
        if (text.size() > static_cast<std::size_t>(width) ||
            (source_.typmod > 0 && text.size() != static_cast<std::size_t>(width)))
            return unfit(fmt::format("the value has {} bits and the column {}", text.size(), width), std::nullopt,
                         scratch, fmt::format("Make the column bit({}) on the target.", text.size()));
        for (const char c : text) number = number * 2 + (c == '1' ? 1U : 0U);
    }
    scratch.clear();
    append_number(number, width, scratch);
    return scratch;
}

ValueWriter::Written ValueWriter::date(std::string_view text, std::string &scratch) const {
    if (form_ != Form::date && form_ != Form::timestamp && form_ != Form::timestamptz) return text;
    if (const int outside = outside_of_years(text); outside != 0)
        return unfit(std::string(year_problem(text)), outside > 0 ? "9999-12-31" : "0001-01-01", scratch);
    if (form_ == Form::date) return text;
    const auto day = text.substr(0, 10);
    if (!text.substr(day.size()).starts_with(" 00:00:00") || text.find('.') != std::string_view::npos)
        return unfit("the value has a time and the column holds a date alone", day, scratch,
                     policy_ == Unfit::clamp ? "" : "Make the column datetime(6) on the target.");
    return day;
}

ValueWriter::Written ValueWriter::datetime(std::string_view text, std::string &scratch) const {
    if (form_ != Form::date && form_ != Form::timestamp && form_ != Form::timestamptz) return text;
    const auto fraction = static_cast<std::size_t>(target_.fraction.value_or(0));
    if (const int outside = outside_of_years(text); outside != 0) {
        constexpr std::string_view last = "9999-12-31 23:59:59.999999";
        return unfit(std::string(year_problem(text)),
                     outside < 0 ? "0001-01-01 00:00:00" : last.substr(0, fraction == 0 ? 19 : 20 + fraction), scratch);
    }
    if (form_ == Form::timestamptz) {
        if (!text.ends_with("+00"))
            return unfit(fmt::format("\"{}\" is not in UTC", text), std::nullopt, scratch,
                         "The source's session needs TimeZone = UTC.");
        text.remove_suffix(3);
    }
    if (const auto digits = fraction_digits(text); digits > fraction) {
        auto cut = text.substr(0, text.find('.') + (fraction == 0 ? 0 : fraction + 1));
        return unfit(
            fmt::format("the value has {} digits of a second's fraction and the column holds {}", digits, fraction),
            cut, scratch,
            policy_ == Unfit::clamp ? "" : fmt::format("Make the column {}(6) on the target.", target_.data_type));
    }
    return text;
}

ValueWriter::Written ValueWriter::time(std::string_view text, std::string &scratch) const {
    const auto fraction = static_cast<std::size_t>(target_.fraction.value_or(0));
    if (const auto digits = fraction_digits(text); digits > fraction)
        return unfit(
            fmt::format("the value has {} digits of a second's fraction and the column holds {}", digits, fraction),
            text.substr(0, text.find('.') + (fraction == 0 ? 0 : fraction + 1)), scratch,
            policy_ == Unfit::clamp ? "" : "Make the column time(6) on the target.");
    return text;
}

} // namespace walbridge::dialect::mysql
