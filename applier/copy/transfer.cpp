// transfer.cpp: see transfer.hpp.
#include "copy/transfer.hpp"

#include "base/error.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace walbridge::copy {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

constexpr std::uint32_t first_user_oid = 16384;
constexpr std::uint32_t xml_oid = 142;
// Their receive functions refuse what their send functions make of an empty one.
constexpr std::uint32_t int2vector_oid = 22, oidvector_oid = 30;

// Oids of pg_type, sorted. Left out on purpose: reg* (local oids), xml (its binary form rewrites the encoding
// declaration), refcursor, aclitem, snapshots, pseudo-types.
constexpr std::array<std::uint32_t, 52> portable{
    16,   17,   18,   19,   20,   21,   23,   25,   26,   27,   28,   29,   114,  600,  601,  602,  603,  604,
    628,  650,  700,  701,  718,  774,  790,  829,  869,  1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1560,
    1562, 1700, 2950, 3220, 3614, 3615, 3802, 3904, 3906, 3908, 3910, 3912, 3926, 4072, 4451, 5069};
constexpr std::array<std::uint32_t, 5> portable_multiranges{4532, 4533, 4534, 4535, 4536};

bool scalar_is_portable(std::uint32_t oid) {
    return std::binary_search(portable.begin(), portable.end(), oid) ||
           std::binary_search(portable_multiranges.begin(), portable_multiranges.end(), oid);
}

const source::Column *find(const source::Table &table, const std::string &name) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const auto &column) { return column.name == name; });
    return found == table.columns.end() ? nullptr : &*found;
}

} // namespace

bool portable_in_binary(std::uint32_t type_oid, std::uint32_t element_oid) {
    if (type_oid >= first_user_oid || type_oid == int2vector_oid || type_oid == oidvector_oid) return false;
    if (element_oid != 0 && type_oid != 19) return element_oid < first_user_oid && scalar_is_portable(element_oid);
    return scalar_is_portable(type_oid);
}

std::string condition(const Chunk &chunk, const std::string &key_column) {
    const auto column = chunk.kind == ChunkKind::ctid ? std::string("ctid") : quote_identifier(key_column);
    const auto bound = [&](std::int64_t value) {
        return chunk.kind == ChunkKind::ctid ? fmt::format("'({},0)'::tid", value) : fmt::format("{}", value);
    };
    std::string text;
    if (chunk.kind == ChunkKind::whole) return text;
    if (chunk.low) text = fmt::format("{} >= {}", column, bound(*chunk.low));
    if (chunk.high) text += fmt::format("{}{} < {}", text.empty() ? "" : " AND ", column, bound(*chunk.high));
    return text;
}

std::string rows_of(const source::Table &source, const source::Shape &shape, const Chunk &chunk,
                    const std::string &key_column) {
    auto where = condition(chunk, key_column);
    if (!shape.where.empty()) where = where.empty() ? shape.where : where + " AND " + shape.where;
    return "FROM ONLY " + quote(source.name) + (where.empty() ? "" : " WHERE " + where);
}

Transfer make_transfer(const Cargo &cargo, const Chunk &chunk, const std::string &key_column) {
    const auto &[source, shape, target, added] = cargo;
    Transfer transfer;
    transfer.binary = added.empty();
    std::vector<std::string> source_names, names;
    std::string expressions;
    bool selects = !added.empty() || !shape.where.empty();
    const auto take = [&, &target = target](const std::string &name, const std::string &sql, const std::string &type) {
        const auto *there = find(target, name);
        if (there == nullptr)
            throw Error(
                ErrorKind::target_shape, to_string(target.name), fmt::format("the target lacks column {}", name),
                fmt::format("ALTER TABLE {} ADD COLUMN {} {};", quote(target.name), quote_identifier(name), type));
        if (there->generated != '\0')
            throw Error(ErrorKind::target_shape, to_string(target.name),
                        fmt::format("column {} is generated on the target but not on the source", name),
                        "Give it the same definition on both sides.");
        names.push_back(name);
        expressions += (expressions.empty() ? "" : ", ") + sql;
        return there;
    };
    for (const auto &column : shape.columns) {
        if (column.generated) continue;
        // xml: its own output drops the encoding declaration; the cast keeps every character
        const bool as_text = column.type_oid == xml_oid;
        const auto *there = take(column.target, column.sql + (as_text ? "::text" : ""), column.type);
        source_names.push_back(column.name);
        selects = selects || column.computed || as_text;
        if (column.type_oid != there->type_oid || !portable_in_binary(column.type_oid, column.element_oid))
            transfer.binary = false;
    }
    for (const auto &[name, sql] : added) take(name, sql, "text");
    const auto listed = [](const std::vector<std::string> &columns) {
        return columns.empty() ? std::string() : " (" + dialect::postgres::quote_list(columns) + ")";
    };
    const auto format = transfer.binary ? " (FORMAT binary)" : "";
    if (condition(chunk, key_column).empty() && !selects)
        transfer.out = fmt::format("COPY {}{} TO STDOUT{}", quote(source.name), listed(source_names), format);
    else
        transfer.out = fmt::format("COPY (SELECT {} {}) TO STDOUT{}", expressions,
                                   rows_of(source, shape, chunk, key_column), format);
    transfer.in = fmt::format("COPY {}{} FROM STDIN{}", quote(target.name), listed(names), format);
    return transfer;
}

} // namespace walbridge::copy
