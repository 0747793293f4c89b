// digest.cpp: the form in which each type is digested.
#include "verify/digest.hpp"

#include "base/error.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace walbridge::verify {
namespace {

using dialect::postgres::quote_identifier;

constexpr std::uint32_t first_user_oid = 16384;

// Oids of built-in types, sorted.
/// The send form means the same on every server. Left out: reg* (local oids), xml (its send form rewrites the encoding
/// declaration), int2vector, oidvector, refcursor, aclitem, multiranges (not there on 13).
constexpr std::array<std::uint32_t, 50> sendable{
    16,   17,   18,   19,   20,   21,   23,   25,   26,   27,   28,   29,   114,  600,  601,  602,  603,
    604,  628,  650,  700,  701,  718,  774,  790,  829,  869,  1042, 1043, 1082, 1083, 1114, 1184, 1186,
    1266, 1560, 1562, 1700, 2950, 3220, 3614, 3615, 3802, 3904, 3906, 3908, 3910, 3912, 3926, 5069};
template <class List> bool in(const List &list, std::uint32_t oid) {
    return std::binary_search(list.begin(), list.end(), oid);
}

bool sends_alike(const source::Column &column) {
    if (column.type_oid >= first_user_oid) return false;
    if (column.element_oid != 0 && column.type_oid != 19)
        return column.element_oid < first_user_oid && in(sendable, column.element_oid);
    return in(sendable, column.type_oid);
}

/// A 64-bit constant of a column, which stands for NULL.
std::string absent(std::size_t number) {
    std::uint64_t mixed = (number + 1) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
    mixed *= 0xBF58476D1CE4E5B9u;
    return fmt::format("{}", static_cast<std::int64_t>(mixed >> 1));
}

/// The hash of a value of `type` by the type's own function; empty when there is none that tells everything apart.
std::string hash_sql(std::uint32_t type, const std::string &value, std::size_t seed) {
    const auto call = [&](std::string_view function, std::string_view argument) {
        return fmt::format("pg_catalog.{}({}, {})", function, argument, seed);
    };
    const auto text = [&] { return call("hashtextextended", fmt::format("({})::text COLLATE \"C\"", value)); };
    const auto real = [&](std::string_view function) { // 0 and -0 are equal and not the same
        return fmt::format("CASE WHEN {} = 0 THEN {} ELSE {} END", value, text(), call(function, value));
    };
    switch (type) {
    case 0:
    case 25:
    case 114:
    case 1043:
    case 3802: return text();
    case 16: return call("hashint4extended", value + "::int4");
    case 20: return call("hashint8extended", value);
    case 21: return call("hashint2extended", value);
    case 23: return call("hashint4extended", value);
    case 26: return call("hashoidextended", value);
    case 700: return real("hashfloat4extended");
    case 701: return real("hashfloat8extended");
    case 1083: return call("time_hash_extended", value);
    case 1114: return call("timestamp_hash_extended", value);
    case 1184: return call("timestamp_hash_extended", fmt::format("({} AT TIME ZONE 'UTC')", value));
    case 1700: // equal whatever the scale; all of NaN and the infinities are one
        return fmt::format(
            "{0} # pg_catalog.hashint4extended(coalesce(pg_catalog.scale({1}), CASE {1}::text WHEN 'NaN' "
            "THEN -1 WHEN 'Infinity' THEN -2 ELSE -3 END), {2})",
            call("hash_numeric_extended", value), value, seed);
    case 2950: return call("uuid_hash_extended", value);
    default: return {};
    }
}

const source::Column *find(const source::Table &table, const std::string &name) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const auto &column) { return column.name == name; });
    return found == table.columns.end() ? nullptr : &*found;
}

} // namespace

std::vector<ColumnPair> pair_columns(const source::Table &source, const source::Table &target) {
    std::vector<ColumnPair> pairs;
    for (const auto &column : source.columns) {
        const auto *there = find(target, column.name);
        if (there == nullptr)
            throw Error(ErrorKind::target_shape, to_string(target.name),
                        fmt::format("the target lacks column {}", column.name), "walbridge schema diff shows how.");
        ColumnPair pair;
        pair.name = column.name;
        pair.source = pair.target = quote_identifier(column.name);
        if (column.type_oid != there->type_oid && sends_alike(*there)) // what the value becomes on its way
            pair.source = fmt::format("({}::{})", pair.source, there->type);
        if (sends_alike(*there) && (column.type_oid == there->type_oid || column.type_oid < first_user_oid)) {
            pair.type = there->type_oid;
        } else {
            pair.source = fmt::format("({}::text)", quote_identifier(column.name));
            pair.target = fmt::format("({}::text)", pair.target);
        }
        pairs.push_back(std::move(pair));
    }
    return pairs;
}

std::string digest_sql(const std::vector<ColumnPair> &columns, Side side, DigestForm form) {
    if (columns.empty()) return "0::bigint";
    std::string terms;
    std::vector<std::string> rest;
    for (std::size_t number = 0; number < columns.size(); ++number) {
        const auto &column = columns[number];
        const auto &value = side == Side::source ? column.source : column.target;
        // A seed for each column: values that swap columns do not cancel out.
        const auto hash = form == DigestForm::hashed ? hash_sql(column.type, value, number + 1) : std::string();
        if (hash.empty()) {
            rest.push_back(value);
            continue;
        }
        if (!terms.empty()) terms += " # ";
        terms += fmt::format("coalesce({}, {})", hash, absent(number));
    }
    if (form == DigestForm::portable)
        return fmt::format("pg_catalog.hash_array_extended(ARRAY[pg_catalog.record_send(ROW({}))], 1)",
                           fmt::join(rest, ", "));
    if (!rest.empty()) {
        if (!terms.empty()) terms += " # ";
        terms += fmt::format("pg_catalog.hash_array_extended(ARRAY[pg_catalog.record_send(ROW({}))], {})",
                             fmt::join(rest, ", "), columns.size() + 1);
    }
    // Digests of rows are added up, so the way to them must not be linear: else two rows could swap a value unnoticed.
    return fmt::format("pg_catalog.hashint8extended({}, 0)", terms);
}

std::string probe_sql() {
    std::vector<ColumnPair> columns;
    const auto add = [&](std::uint32_t type, const std::string &value) {
        columns.push_back({std::to_string(columns.size()), value, value, type});
    };
    add(16, "true");
    add(20, "(-5)::int8");
    add(21, "(-5)::int2");
    add(23, "(-5)::int4");
    add(25, "'größe'::text");
    add(26, "7::oid");
    add(700, "1.5::float4");
    add(701, "'-0'::float8");
    add(1083, "'12:34:56.5'::time");
    add(1114, "'2024-02-29 12:00'::timestamp");
    add(1184, "'2024-02-29 12:00+00'::timestamptz");
    add(1700, "123456789.1230::numeric");
    add(2950, "'00112233-4455-6677-8899-aabbccddeeff'::uuid");
    add(17, "'\\x00ff'::bytea");
    return "SELECT " + digest_sql(columns, Side::source, DigestForm::hashed);
}

} // namespace walbridge::verify
