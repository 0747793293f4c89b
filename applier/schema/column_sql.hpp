// column_sql.hpp: a column as CREATE TABLE and ADD COLUMN write it.
#pragma once

#include <fmt/format.h>
#include <string>

namespace walbridge::schema {

/// `name`: quoted; `identity`: the GENERATED ... AS IDENTITY of a column that is one. The column is one of
/// source/catalog.hpp or of schema/compare/model.hpp.
template <class Column>
[[nodiscard]] std::string column_sql(const std::string &name, const Column &column, const std::string &identity) {
    auto sql = name + " " + column.type;
    if (!column.collation.empty()) sql += " COLLATE " + column.collation;
    if (column.generated != '\0')
        sql += fmt::format(" GENERATED ALWAYS AS ({}) {}", column.default_sql,
                           column.generated == 's' ? "STORED" : "VIRTUAL");
    else if (column.identity != '\0')
        sql += " " + identity;
    else if (!column.default_sql.empty())
        sql += " DEFAULT " + column.default_sql;
    if (column.not_null) sql += " NOT NULL";
    return sql;
}

} // namespace walbridge::schema
