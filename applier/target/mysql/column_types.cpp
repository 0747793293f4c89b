// column_types.cpp: which values of the source stay different on the target.
#include "target/mysql/column_types.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace walbridge::target::mysql {
namespace {

using dialect::mysql::ColumnType;
using dialect::mysql::SourceType;

template <std::size_t size> bool any_of(const std::array<std::string_view, size> &names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_integer(const ColumnType &column) {
    return any_of<5>({"tinyint", "smallint", "mediumint", "int", "bigint"}, column.data_type);
}

/// Characters, kept as they are, trailing spaces included. CHAR loses those whatever its collation is.
bool keeps_characters(const ColumnType &column) {
    return any_of<5>({"varchar", "tinytext", "text", "mediumtext", "longtext"}, column.data_type);
}

/// Bytes without padding.
bool keeps_bytes(const ColumnType &column) {
    return any_of<5>({"varbinary", "tinyblob", "blob", "mediumblob", "longblob"}, column.data_type);
}

/// Equality of the characters' bytes; `_bin` collations that pad find 'a' and 'a ' equal.
bool exact_collation(const ColumnType &column) {
    return column.collation.ends_with("_nopad_bin") || column.collation == "utf8mb4_0900_bin";
}

bool binary_collation(const ColumnType &column) { return column.collation.ends_with("_bin"); }

bool exact_text(const ColumnType &column) {
    return keeps_bytes(column) || (keeps_characters(column) && exact_collation(column));
}

Equality exact_if(bool condition) { return condition ? Equality::exact : Equality::weaker; }

/// Values of one text form each.
Equality in_text(const ColumnType &column) { return exact_if(exact_text(column)); }

Equality number(const SourceType &source, const ColumnType &column) {
    if (column.data_type != "decimal") return exact_text(column) ? Equality::same : Equality::weaker;
    constexpr std::int32_t header = 4;
    if (source.typmod < header) return Equality::weaker; // any number of digits may come
    const auto scale = (source.typmod - header) & 0xffff;
    return exact_if(scale <= column.scale.value_or(0));
}

/// 0 and -0 are equal and have two texts.
Equality floating(const SourceType &source, const ColumnType &column) {
    const bool holds = column.data_type == "double" || (column.data_type == "float" && source.oid == 700);
    return holds || exact_text(column) ? Equality::same : Equality::weaker;
}

Equality time_with_fraction(const SourceType &source, const ColumnType &column, std::string_view type) {
    if (column.data_type != type) return in_text(column);
    constexpr int most = 6;
    const int fraction = source.typmod < 0 ? most : source.typmod;
    return exact_if(column.fraction.value_or(0) >= fraction);
}

/// char(n): the text form is padded to n, and equality on the source does not look at the padding.
Equality padded(const SourceType &source, const ColumnType &column) {
    if (source.typmod < 0) return exact_text(column) ? Equality::same : Equality::weaker;
    return exact_if(exact_text(column) || (column.data_type == "char" && binary_collation(column)) ||
                    (keeps_characters(column) && binary_collation(column)));
}

} // namespace

SourceType source_type_of(const Column &column) {
    SourceType type;
    type.oid = column.type_oid;
    type.name = column.type_name;
    type.kind = column.type_kind;
    type.typmod = column.typmod;
    type.enum_labels = column.enum_labels;
    if (column.type_kind == 'd' && column.base_type_oid != 0) {
        type.oid = column.base_type_oid;
        type.name = column.base_type_name;
        type.kind = type.name.starts_with('_') ? 'a' : !type.enum_labels.empty() ? 'e' : 'b';
        type.typmod = -1;
    } else if (column.type_kind == 'a') {
        type.element_oid = column.base_type_oid;
        type.element_name = column.base_type_name;
    }
    return type;
}

Equality equality_of(const SourceType &source, const ColumnType &target) {
    if (source.kind == 'e')
        return exact_if(target.data_type == "enum" || exact_text(target)); // labels of an ENUM differ for its collation
    switch (source.oid) {
    case 16: // bool
    case 20:
    case 21:
    case 23: // integers
    case 26: // oid
        return exact_if(is_integer(target) || target.data_type == "decimal" || exact_text(target));
    case 17: // bytea
        return exact_if(keeps_bytes(target));
    case 18: // "char"
    case 19: // name
    case 25:
    case 1043: // text, varchar
        return in_text(target);
    case 1042: return padded(source, target);
    case 700:
    case 701: return floating(source, target);
    case 1700: return number(source, target);
    case 1082: return exact_if(target.data_type == "date" || target.data_type == "datetime" || exact_text(target));
    case 1083: return time_with_fraction(source, target, "time");
    case 1114:
    case 1184: return time_with_fraction(source, target, "datetime");
    case 2950: // one text form, of characters that every collation tells apart
        return exact_if(target.data_type == "uuid" || target.data_type == "char" || target.data_type == "binary" ||
                        keeps_characters(target) || keeps_bytes(target));
    default: return exact_text(target) ? Equality::same : Equality::weaker;
    }
}

bool is_number(const ColumnType &column) {
    return is_integer(column) || any_of<3>({"decimal", "double", "float"}, column.data_type);
}

bool reads_as_number(std::string_view text) {
    const auto digits = [&] {
        std::size_t count = 0;
        while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
        text.remove_prefix(count);
        return count;
    };
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    auto count = digits();
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        count += digits();
    }
    if (count == 0) return false;
    if (!text.starts_with('e') && !text.starts_with('E')) return text.empty();
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    return digits() != 0 && text.empty();
}

} // namespace walbridge::target::mysql
