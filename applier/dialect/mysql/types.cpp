// types.cpp: one row per built-in type says what its values look like; one function per group makes a column of it.
#include "dialect/mysql/types.hpp"

#include "base/error.hpp"
#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/quote.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace walbridge::dialect::mysql {
namespace {

struct BuiltIn {
    std::uint32_t oid;
    std::string_view name;
    Form form;
    std::size_t longest; ///< as in TypeFacts
    char kind = 'b';
};

// Oids of pg_type, sorted. Types of system catalogs alone (pg_node_tree, pg_ndistinct ...) are left out: no column of a
// user has them, and as unknown types they travel as text.
constexpr std::array built_ins{
    BuiltIn{16, "bool", Form::boolean, 1},
    BuiltIn{17, "bytea", Form::bytes, 0},
    BuiltIn{18, "char", Form::plain, 4},
    BuiltIn{19, "name", Form::character, 63},
    BuiltIn{20, "int8", Form::integer, 0},
    BuiltIn{21, "int2", Form::integer, 0},
    BuiltIn{22, "int2vector", Form::plain, 0},
    BuiltIn{23, "int4", Form::integer, 0},
    BuiltIn{24, "regproc", Form::plain, 0},
    BuiltIn{25, "text", Form::character, 0},
    BuiltIn{26, "oid", Form::integer, 0},
    BuiltIn{27, "tid", Form::plain, 18},
    BuiltIn{28, "xid", Form::integer, 0},
    BuiltIn{29, "cid", Form::integer, 0},
    BuiltIn{30, "oidvector", Form::plain, 0},
    BuiltIn{114, "json", Form::plain, 0},
    BuiltIn{142, "xml", Form::plain, 0},
    BuiltIn{600, "point", Form::plain, 51},
    BuiltIn{601, "lseg", Form::plain, 105},
    BuiltIn{602, "path", Form::plain, 0},
    BuiltIn{603, "box", Form::plain, 103},
    BuiltIn{604, "polygon", Form::plain, 0},
    BuiltIn{628, "line", Form::plain, 76},
    BuiltIn{650, "cidr", Form::plain, 43},
    BuiltIn{700, "float4", Form::floating, 24},
    BuiltIn{701, "float8", Form::floating, 24},
    BuiltIn{718, "circle", Form::plain, 78},
    BuiltIn{774, "macaddr8", Form::plain, 23},
    BuiltIn{790, "money", Form::money, 28},
    BuiltIn{829, "macaddr", Form::plain, 17},
    BuiltIn{869, "inet", Form::plain, 43},
    BuiltIn{1033, "aclitem", Form::plain, 0},
    BuiltIn{1042, "bpchar", Form::blank_padded, 0},
    BuiltIn{1043, "varchar", Form::character, 0},
    BuiltIn{1082, "date", Form::date, 20},
    BuiltIn{1083, "time", Form::time, 15},
    BuiltIn{1114, "timestamp", Form::timestamp, 40},
    BuiltIn{1184, "timestamptz", Form::timestamptz, 40},
    BuiltIn{1186, "interval", Form::plain, 80},
    BuiltIn{1266, "timetz", Form::plain, 24},
    BuiltIn{1560, "bit", Form::bits, 0},
    BuiltIn{1562, "varbit", Form::plain, 0},
    BuiltIn{1700, "numeric", Form::decimal, 0},
    BuiltIn{1790, "refcursor", Form::character, 0},
    BuiltIn{2202, "regprocedure", Form::plain, 0},
    BuiltIn{2203, "regoper", Form::plain, 0},
    BuiltIn{2204, "regoperator", Form::plain, 0},
    BuiltIn{2205, "regclass", Form::plain, 0},
    BuiltIn{2206, "regtype", Form::plain, 0},
    BuiltIn{2950, "uuid", Form::uuid, 36},
    BuiltIn{2970, "txid_snapshot", Form::plain, 0},
    BuiltIn{3220, "pg_lsn", Form::plain, 17},
    BuiltIn{3614, "tsvector", Form::plain, 0},
    BuiltIn{3615, "tsquery", Form::plain, 0},
    BuiltIn{3734, "regconfig", Form::plain, 0},
    BuiltIn{3769, "regdictionary", Form::plain, 0},
    BuiltIn{3802, "jsonb", Form::plain, 0},
    BuiltIn{3904, "int4range", Form::plain, 25, 'r'},
    BuiltIn{3906, "numrange", Form::plain, 0, 'r'},
    BuiltIn{3908, "tsrange", Form::plain, 65, 'r'},
    BuiltIn{3910, "tstzrange", Form::plain, 71, 'r'},
    BuiltIn{3912, "daterange", Form::plain, 33, 'r'},
    BuiltIn{3926, "int8range", Form::plain, 43, 'r'},
    BuiltIn{4072, "jsonpath", Form::plain, 0},
    BuiltIn{4089, "regnamespace", Form::plain, 0},
    BuiltIn{4096, "regrole", Form::plain, 0},
    BuiltIn{4191, "regcollation", Form::plain, 0},
    BuiltIn{4451, "int4multirange", Form::plain, 0, 'm'},
    BuiltIn{4532, "nummultirange", Form::plain, 0, 'm'},
    BuiltIn{4533, "tsmultirange", Form::plain, 0, 'm'},
    BuiltIn{4534, "tstzmultirange", Form::plain, 0, 'm'},
    BuiltIn{4535, "datemultirange", Form::plain, 0, 'm'},
    BuiltIn{4536, "int8multirange", Form::plain, 0, 'm'},
    BuiltIn{5038, "pg_snapshot", Form::plain, 0},
    BuiltIn{5069, "xid8", Form::integer, 0},
};
static_assert(std::ranges::is_sorted(built_ins, {}, &BuiltIn::oid));

const BuiltIn *find_built_in(std::uint32_t oid) {
    const auto *const found = std::ranges::lower_bound(built_ins, oid, {}, &BuiltIn::oid);
    return found != built_ins.end() && found->oid == oid ? found : nullptr;
}

constexpr int most_digits = 65;
constexpr std::size_t longest_char = 255;
constexpr std::size_t longest_varchar = 16000; ///< longer ones leave a row no room for anything else
constexpr std::size_t most_labels = 65535, most_label_bytes = 60000;

int most_scale(Flavour flavour) { return flavour == Flavour::mariadb ? 38 : 30; }

/// Fills what follows from the parts of a column type.
MappedType finish(ColumnType column, std::size_t row_bytes, std::size_t key_bytes, std::string remark = {}) {
    MappedType mapped;
    if (column.column_type.empty()) column.column_type = column.data_type;
    mapped.sql = column.column_type;
    if (!column.charset.empty()) mapped.sql += " CHARACTER SET " + column.charset + " COLLATE " + column.collation;
    mapped.remark = std::move(remark);
    mapped.row_bytes = row_bytes;
    mapped.key_bytes = key_bytes;
    mapped.needs_prefix = key_bytes == 0;
    mapped.column = std::move(column);
    return mapped;
}

MappedType fixed(std::string_view type, std::size_t bytes, std::string remark = {}) {
    ColumnType column;
    column.data_type = type;
    return finish(std::move(column), bytes, bytes, std::move(remark));
}

/// Types that need something in parentheses: decimal(10,2), datetime(6).
MappedType sized(std::string_view type, std::string_view size, std::size_t bytes, std::string remark = {}) {
    ColumnType column;
    column.data_type = type;
    column.column_type = fmt::format("{}({})", type, size);
    return finish(std::move(column), bytes, bytes, std::move(remark));
}

/// Text columns of one flavour.
class TextColumns {
  public:
    TextColumns(Flavour flavour, const MapOptions &options) : flavour_(flavour), options_(options) {}

    [[nodiscard]] MappedType varchar(std::size_t length, std::string_view type = "varchar") const {
        if (!options_.key_column && length < options_.shortest) {
            length = options_.shortest;
            type = "varchar";
        }
        auto column = text(type);
        column.length = length;
        column.column_type = fmt::format("{}({})", type, length);
        const auto bytes = length * bytes_per_character;
        return finish(std::move(column), bytes + 2, bytes);
    }

    /// Text of up to `longest` characters (0 = no limit), in a key as much of it as there is room for.
    [[nodiscard]] MappedType up_to(std::size_t longest) const {
        const auto room = options_.key_bytes / bytes_per_character;
        if (options_.key_column) {
            if (longest != 0 && longest <= room) return varchar(longest);
            auto mapped = varchar(room);
            mapped.remark =
                fmt::format("values of more than {} characters are refused: the column is part of a key", room);
            return mapped;
        }
        if (longest != 0 && longest <= longest_varchar && !options_.off_row) return varchar(longest);
        auto column = text("longtext");
        column.length = 4294967295U;
        return finish(std::move(column), 12, 0);
    }

    [[nodiscard]] ColumnType text(std::string_view type) const {
        ColumnType column;
        column.data_type = type;
        column.charset = "utf8mb4";
        column.collation = collation(flavour_);
        return column;
    }

  private:
    Flavour flavour_;
    const MapOptions &options_;
};

MappedType bytes_column(const MapOptions &options) {
    ColumnType column;
    if (options.key_column) {
        column.data_type = "varbinary";
        column.length = options.key_bytes;
        column.column_type = fmt::format("varbinary({})", options.key_bytes);
        return finish(
            std::move(column), options.key_bytes + 2, options.key_bytes,
            fmt::format("values of more than {} bytes are refused: the column is part of a key", options.key_bytes));
    }
    column.data_type = "longblob";
    column.length = 4294967295U;
    return finish(std::move(column), 12, 0);
}

MappedType integer_column(std::uint32_t oid) {
    ColumnType column;
    std::size_t bytes = 4;
    switch (oid) {
    case 21:
        column.data_type = "smallint";
        bytes = 2;
        break;
    case 20:
        column.data_type = "bigint";
        bytes = 8;
        break;
    case 5069:
        column.data_type = "bigint";
        column.is_unsigned = true;
        bytes = 8;
        break;
    case 26:
    case 28:
    case 29:
        column.data_type = "int";
        column.is_unsigned = true;
        break;
    default: column.data_type = "int";
    }
    column.column_type = column.data_type + (column.is_unsigned ? " unsigned" : "");
    return finish(std::move(column), bytes, bytes);
}

MappedType decimal_column(int precision, int scale, std::string remark) {
    const auto bytes_of = [](int digits) {
        const auto count = static_cast<std::size_t>(digits);
        return count / 9 * 4 + (count % 9 + 1) / 2;
    };
    auto mapped = sized("decimal", fmt::format("{},{}", precision, scale),
                        bytes_of(precision - scale) + bytes_of(scale), std::move(remark));
    mapped.column.precision = precision;
    mapped.column.scale = scale;
    return mapped;
}

MappedType numeric_column(const SourceType &source, Flavour flavour, const TextColumns &texts) {
    const auto digits = declared_digits(source);
    if (!digits)
        return decimal_column(most_digits, 30,
                              "zeros at the end of the fraction are not kept; NaN, infinities and more than 35 digits "
                              "before or 30 behind the point are refused");
    const auto scale = std::max(digits->scale, 0);
    const auto precision = std::max(digits->precision - std::min(digits->scale, 0), scale);
    if (precision <= most_digits && scale <= most_scale(flavour))
        return decimal_column(precision, scale, "NaN is refused");
    return texts.up_to(static_cast<std::size_t>(precision) + 3);
}

MappedType seconds_column(std::string_view type, const SourceType &source, std::size_t bytes, std::string remark) {
    const int fraction = source.typmod < 0 ? 6 : std::min(source.typmod, 6);
    auto mapped = fraction == 0 ? fixed(type, bytes, std::move(remark))
                                : sized(type, std::to_string(fraction),
                                        bytes + static_cast<std::size_t>((fraction + 1) / 2), std::move(remark));
    mapped.column.fraction = fraction;
    return mapped;
}

/// A label that ENUM would change or cannot have.
bool fits_no_enum(const std::string &label) { return label.ends_with(' ') || label.find('\\') != std::string::npos; }

MappedType enum_column(const SourceType &source, const TextColumns &texts) {
    std::size_t bytes = 0;
    for (const auto &label : source.enum_labels) bytes += label.size() + 1;
    if (source.enum_labels.empty() || source.enum_labels.size() > most_labels || bytes > most_label_bytes ||
        std::ranges::any_of(source.enum_labels, fits_no_enum))
        return texts.up_to(63);
    auto column = texts.text("enum");
    column.column_type = "enum(";
    for (const auto &label : source.enum_labels) {
        if (column.column_type.back() != '(') column.column_type += ',';
        column.column_type += quote_literal(label);
    }
    column.column_type += ')';
    return finish(std::move(column), 2, 2, "labels that the source adds later are refused until the column has them");
}

MappedType blank_padded_column(const SourceType &source, const TextColumns &texts, const MapOptions &options) {
    const auto length = declared_length(source);
    constexpr auto *remark = "the spaces that pad a value are not stored";
    auto mapped = length && *length <= longest_char && !options.off_row &&
                          (!options.key_column || *length * bytes_per_character <= options.key_bytes)
                      ? texts.varchar(*length, "char")
                      : texts.up_to(length.value_or(0));
    mapped.remark = mapped.remark.empty() ? remark : mapped.remark + "; " + remark;
    return mapped;
}

/// Forms with values that their column of the target may not hold: under Unfit::text they are text.
bool may_be_unfit(Form form) {
    switch (form) {
    case Form::floating:
    case Form::decimal:
    case Form::date:
    case Form::timestamp:
    case Form::timestamptz: return true;
    default: return false;
    }
}

MappedType text_instead(const SourceType &source, const TypeFacts &facts, const TextColumns &texts) {
    auto longest = facts.longest;
    if (const auto digits = declared_digits(source))
        longest = static_cast<std::size_t>(std::max(digits->precision, std::abs(digits->scale)) +
                                           std::max(-digits->scale, 0)) +
                  9;
    return texts.up_to(longest);
}

} // namespace

TypeFacts facts_of(const SourceType &type) {
    if (const auto *known = find_built_in(type.oid)) {
        TypeFacts facts{known->form, known->longest};
        // varchar(n), bit(n), varbit(n): the source keeps the limit.
        if (facts.longest == 0)
            if (const auto length = declared_length(type)) facts.longest = *length;
        return facts;
    }
    switch (type.kind) {
    case 'a': return {Form::array, 0};
    case 'e': return {Form::enumeration, 63};
    case 'p': return {Form::none, 0};
    default: break;
    }
    // Types of extensions have no oid of their own everywhere: their names tell them.
    if (type.name == "hstore") return {Form::hstore, 0};
    if (type.name == "citext") return {Form::character, 0};
    return {Form::plain, 0};
}

std::uint32_t element_of(const SourceType &type) {
    if (type.element_oid != 0 || !type.name.starts_with('_')) return type.element_oid;
    const auto *const found = std::ranges::find(built_ins, std::string_view(type.name).substr(1), &BuiltIn::name);
    return found == built_ins.end() ? 0 : found->oid;
}

bool is_json_number(std::uint32_t element_oid) {
    const auto *known = find_built_in(element_oid);
    return known != nullptr &&
           (known->form == Form::integer || known->form == Form::floating || known->form == Form::decimal);
}

std::optional<Digits> declared_digits(const SourceType &type) {
    constexpr std::uint32_t numeric_oid = 1700;
    if (type.oid != numeric_oid || type.typmod < 4) return std::nullopt;
    const auto packed = static_cast<std::uint32_t>(type.typmod - 4);
    // The scale has eleven bits and a sign since PostgreSQL 15; before, it was never negative and below 1000.
    const auto scale = static_cast<int>((packed & 0x7FFU) ^ 1024U) - 1024;
    return Digits{static_cast<int>((packed >> 16U) & 0xFFFFU), scale};
}

std::optional<std::size_t> declared_length(const SourceType &type) {
    switch (type.oid) {
    case 1042:
    case 1043:
        if (type.typmod >= 4) return static_cast<std::size_t>(type.typmod - 4);
        break;
    case 1560:
    case 1562:
        if (type.typmod > 0) return static_cast<std::size_t>(type.typmod);
        break;
    default: break;
    }
    return std::nullopt;
}

std::string_view collation(Flavour flavour) {
    return flavour == Flavour::mariadb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
}

MappedType map_type(const SourceType &source, Flavour flavour, const MapOptions &options) {
    const auto facts = facts_of(source);
    const TextColumns texts(flavour, options);
    if (options.unfit == Unfit::text && may_be_unfit(facts.form)) return text_instead(source, facts, texts);
    switch (facts.form) {
    case Form::integer: return integer_column(source.oid);
    case Form::boolean: {
        auto mapped = sized("tinyint", "1", 1);
        mapped.sql = "boolean"; // the same; MySQL warns of the width
        return mapped;
    }
    case Form::floating: return fixed("double", 8, "NaN and infinities are refused");
    case Form::decimal: return numeric_column(source, flavour, texts);
    case Form::money: return decimal_column(19, 2, "the currency sign is not kept");
    case Form::blank_padded: return blank_padded_column(source, texts, options);
    case Form::bytes: return bytes_column(options);
    case Form::date: return fixed("date", 3, "years before 1 or after 9999 and infinities are refused");
    case Form::time: return seconds_column("time", source, 3, {});
    case Form::timestamp:
        return seconds_column("datetime", source, 5, "years before 1 or after 9999 and infinities are refused");
    case Form::timestamptz:
        return seconds_column("datetime", source, 5, "in UTC; years before 1 or after 9999 and infinities are refused");
    case Form::uuid: return texts.varchar(facts.longest, "char");
    case Form::enumeration: return enum_column(source, texts);
    case Form::array: {
        auto mapped = texts.up_to(0);
        mapped.remark += mapped.remark.empty() ? "" : "; ";
        mapped.remark += "as a JSON array; arrays whose indexes do not begin at 1 are refused";
        return mapped;
    }
    case Form::hstore: {
        auto mapped = texts.up_to(0);
        mapped.remark += mapped.remark.empty() ? "" : "; ";
        mapped.remark += "as a JSON object";
        return mapped;
    }
    case Form::none: {
        MappedType mapped;
        mapped.fidelity = Fidelity::impossible;
        mapped.remark = "values of a pseudo-type are not stored";
        return mapped;
    }
    case Form::bits: // BIT compares as a number and is read as bytes: neither LOAD DATA nor a lookup takes its values
    case Form::character:
    case Form::plain: break;
    }
    return texts.up_to(facts.longest);
}

MappedType map_type(const SourceType &source, Flavour flavour, bool key_column) {
    MapOptions options;
    options.key_column = key_column;
    return map_type(source, flavour, options);
}

SourceType built_in(std::string_view name, std::int32_t typmod) {
    const bool array = name.starts_with('_');
    const auto element = array ? name.substr(1) : name;
    const auto *const found = std::ranges::find(built_ins, element, &BuiltIn::name);
    if (found == built_ins.end()) throw Error(ErrorKind::internal, std::string(name), "no such built-in type");
    SourceType type;
    type.name = name;
    type.typmod = typmod;
    if (array) {
        type.kind = 'a';
        type.element_oid = found->oid;
        type.element_name = element;
    } else {
        type.oid = found->oid;
        type.kind = found->kind;
    }
    return type;
}

std::vector<std::string_view> built_in_types() {
    std::vector<std::string_view> names;
    for (const auto &type : built_ins) names.push_back(type.name);
    return names;
}

} // namespace walbridge::dialect::mysql
