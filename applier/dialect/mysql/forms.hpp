// forms.hpp: what the text form of a PostgreSQL type's values looks like: types that share one are mapped and converted
// alike.
#pragma once

#include "dialect/mysql/types.hpp"

namespace walbridge::dialect::mysql {

enum class Form {
    integer,
    boolean,      ///< t, f
    floating,     ///< shortest form that reads back exactly, NaN, Infinity
    decimal,      ///< digits, NaN, Infinity
    money,        ///< -$1,234.56
    character,    ///< any text
    blank_padded, ///< text whose trailing spaces mean nothing
    bytes,        ///< \x0aff
    bits,         ///< 0101
    date,
    time,
    timestamp,
    timestamptz, ///< with +00 behind it
    uuid,
    array,  ///< {1,NULL,"a b"}
    hstore, ///< "a"=>"1", "b"=>NULL
    enumeration,
    plain, ///< PostgreSQL's text is what the target holds
    none,  ///< no values that could be stored
};

struct TypeFacts {
    Form form = Form::plain;
    std::size_t longest = 0; ///< characters of the longest text form; 0 = no limit worth a varchar
};

[[nodiscard]] TypeFacts facts_of(const SourceType &type);

/// Oid of an array's elements; where the caller knows the array by its name alone (the stream, for a domain over one),
/// by that name. 0 = no built-in type.
[[nodiscard]] std::uint32_t element_of(const SourceType &type);

/// Elements that stand in JSON as they are printed.
[[nodiscard]] bool is_json_number(std::uint32_t element_oid);

/// Declared digits of a numeric column, all and behind the point; nothing when it declares none.
struct Digits {
    int precision = 0, scale = 0;
};
[[nodiscard]] std::optional<Digits> declared_digits(const SourceType &type);

/// n of varchar(n), char(n), bit(n), varbit(n); nothing when there is none.
[[nodiscard]] std::optional<std::size_t> declared_length(const SourceType &type);

} // namespace walbridge::dialect::mysql
