// column_types.hpp: what a column of the source and a column of MySQL or MariaDB think of the equality of values. Pure
// functions.
#pragma once

#include "change/relation.hpp"
#include "dialect/mysql/types.hpp"

namespace walbridge::target::mysql {

/// The source's type as the dialect reads it: a domain is its base type.
[[nodiscard]] dialect::mysql::SourceType source_type_of(const Column &column);

enum class Equality {
    weaker, ///< values that differ on the source may be equal on the target: 'a' and 'A', 'a' and 'a '
    same,   ///< values that differ on the source differ on the target
    exact,  ///< and values are equal on the target if and only if their text forms are the same
};

[[nodiscard]] Equality equality_of(const dialect::mysql::SourceType &source, const dialect::mysql::ColumnType &target);

/// Whether the column holds numbers, which stand in SQL text without quotes.
[[nodiscard]] bool is_number(const dialect::mysql::ColumnType &column);
/// Whether the text is a number as SQL writes it: only then may it stand without quotes.
[[nodiscard]] bool reads_as_number(std::string_view text);

} // namespace walbridge::target::mysql
