// source_types.cpp: see source_types.hpp.
#include "copy/mysql/source_types.hpp"

#include <algorithm>
#include <cstdlib>

namespace walbridge::copy::mysql {
namespace {

/// Between the labels of an enum: no label of the source can hold it and be sent as text.
constexpr char separator = '\x01';

std::vector<std::string> split(std::string_view labels) {
    std::vector<std::string> list;
    while (!labels.empty()) {
        const auto end = std::min(labels.find(separator), labels.size());
        list.emplace_back(labels.substr(0, end));
        labels.remove_prefix(std::min(end + 1, labels.size()));
    }
    return list;
}

} // namespace

std::map<std::string, dialect::mysql::SourceType> read_source_types(pg::Session &source, std::uint32_t table_oid) {
    const auto rows = source.query(
        "WITH RECURSIVE base (name, oid, typmod) AS (SELECT a.attname, a.atttypid, a.atttypmod FROM "
        "pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped UNION ALL SELECT "
        "b.name, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.typmod END FROM base b JOIN "
        "pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype = 'd') SELECT b.name, t.oid, t.typname, CASE WHEN "
        "t.typcategory = 'A' AND t.typelem <> 0 THEN 'a' ELSE t.typtype::text END, b.typmod, coalesce(e.oid, 0), "
        "coalesce(e.typname, ''), (SELECT pg_catalog.string_agg(l.enumlabel, $2 ORDER BY l.enumsortorder) FROM "
        "pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid AND "
        "t.typtype <> 'd' LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'",
        {std::to_string(table_oid), std::string(1, separator)});
    std::map<std::string, dialect::mysql::SourceType> types;
    for (int row = 0; row < rows.rows(); ++row) {
        auto &type = types[rows.text(row, 0)];
        type.oid = static_cast<std::uint32_t>(rows.number(row, 1));
        type.name = rows.text(row, 2);
        type.kind = rows.get(row, 3).front();
        type.typmod = static_cast<std::int32_t>(rows.number(row, 4));
        type.element_oid = static_cast<std::uint32_t>(rows.number(row, 5));
        type.element_name = rows.text(row, 6);
        type.enum_labels = split(rows.get(row, 7));
    }
    return types;
}

} // namespace walbridge::copy::mysql
