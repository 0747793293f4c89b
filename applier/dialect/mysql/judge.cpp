// judge.cpp: columns that somebody else made: what they do to values that the schema stage would have put elsewhere.
#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/types.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>

namespace walbridge::dialect::mysql {
namespace {

bool one_of(const std::string &type, std::initializer_list<const char *> list) {
    return std::ranges::any_of(list, [&](const char *item) { return type == item; });
}

Judgement exact(std::string remark = {}) { return {Fidelity::exact, std::move(remark)}; }
Judgement lossy(std::string remark) { return {Fidelity::lossy, std::move(remark)}; }

Judgement impossible(const SourceType &source, const ColumnType &target) {
    return {Fidelity::impossible, fmt::format("{} does not take values of {}", target.column_type, source.name)};
}

bool is_integer(const ColumnType &target) {
    return one_of(target.data_type, {"tinyint", "smallint", "mediumint", "int", "bigint"});
}

bool is_text(const ColumnType &target) {
    return one_of(target.data_type, {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"});
}

/// Bytes of an integer column; the source's wider type has values that are refused.
std::size_t width(const std::string &type) {
    if (type == "tinyint") return 1;
    if (type == "smallint" || type == "int2") return 2;
    if (type == "mediumint") return 3;
    if (type == "bigint" || type == "int8" || type == "xid8") return 8;
    return 4;
}

Judgement judge_number(const SourceType &source, const ColumnType &target, Form form) {
    if (target.data_type == "decimal")
        return exact(form == Form::integer ? "numbers of too many digits are refused"
                                           : "NaN, infinities and numbers of too many digits are refused");
    if (is_integer(target)) {
        if (form != Form::integer) return exact("numbers with a fraction are refused");
        return width(target.data_type) >= width(source.name) && !target.is_unsigned
                   ? exact()
                   : exact("numbers out of the column's range are refused");
    }
    if (target.data_type == "double") {
        if (form == Form::decimal || form == Form::money) return lossy("digits beyond the fifteenth may change");
        if (width(source.name) == 8 && form == Form::integer)
            return lossy("integers beyond 9007199254740992 may change");
        return exact(form == Form::floating ? "NaN and infinities are refused" : "");
    }
    if (target.data_type == "float") return lossy("reads back with six digits");
    if (target.data_type == "bit" && form == Form::integer) return exact("negative and larger numbers are refused");
    return impossible(source, target);
}

Judgement judge_time(const SourceType &source, const ColumnType &target, Form form) {
    constexpr auto *years = "years before 1 or after 9999, infinities and finer fractions of seconds are refused";
    if (form == Form::time)
        return target.data_type == "time" ? exact("finer fractions of seconds are refused")
                                          : impossible(source, target);
    if (target.data_type == "datetime") return exact(years);
    if (target.data_type == "timestamp") return exact("times before 1970 or after January 2038 are refused");
    if (target.data_type == "date")
        return exact(form == Form::date ? "years before 1 or after 9999 and infinities are refused"
                                        : "values with a time are refused");
    return impossible(source, target);
}

} // namespace

Judgement judge_column(const SourceType &source, const ColumnType &target) {
    const auto form = facts_of(source).form;
    if (form == Form::none) return impossible(source, target);
    // PostgreSQL's text of every value, as far as it is long enough.
    if (is_text(target)) {
        if (target.charset != "utf8mb4" && !target.charset.empty())
            return exact(fmt::format("characters that {} lacks are refused", target.charset));
        if (target.data_type == "char" && form == Form::character)
            return exact("values that end in a space are refused");
        return exact(target.data_type == "longtext" ? "" : "longer values are refused");
    }
    if (one_of(target.data_type, {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}))
        return exact(target.data_type == "longblob" ? "" : "longer values are refused");
    if (target.data_type == "enum") return exact("values that are none of its labels are refused");
    if (target.data_type == "json") {
        if (source.name == "json" || source.name == "jsonb" || form == Form::array || form == Form::hstore)
            return lossy("MySQL's json sorts keys, drops repeated ones and rounds numbers");
        return impossible(source, target);
    }
    switch (form) {
    case Form::integer:
    case Form::decimal:
    case Form::floating:
    case Form::money: return judge_number(source, target, form);
    case Form::boolean:
        return is_integer(target) || one_of(target.data_type, {"bit", "decimal", "double", "float"})
                   ? exact()
                   : impossible(source, target);
    case Form::date:
    case Form::time:
    case Form::timestamp:
    case Form::timestamptz: return judge_time(source, target, form);
    case Form::bits:
        return target.data_type == "bit" ? exact("values of another number of bits are refused")
                                         : impossible(source, target);
    case Form::uuid: return target.data_type == "uuid" ? exact() : impossible(source, target);
    default:
        // MariaDB's own: they take the text of an address and refuse one with a mask.
        if (one_of(target.data_type, {"inet4", "inet6"}) && source.name == "inet")
            return exact("addresses with a mask are refused");
        return impossible(source, target);
    }
}

} // namespace walbridge::dialect::mysql
