// source_builder.hpp: tables of a source, written in a line each.
#pragma once

#include "schema/mysql/source_tables.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::testing {

using schema::mysql::SourceColumn;
using schema::mysql::SourceConstraint;
using schema::mysql::SourceIndex;
using schema::mysql::SourceTable;

inline SourceColumn column(int number, const char *name, const char *type, bool not_null = false,
                           const char *expression = "") {
    SourceColumn made;
    made.number = number;
    made.name = name;
    made.type = dialect::mysql::built_in(type);
    made.type_sql = type;
    made.not_null = not_null;
    made.expression = expression;
    return made;
}

inline SourceIndex key(const char *name, std::vector<int> columns, bool unique = false, bool primary = false) {
    SourceIndex made;
    made.name = name;
    made.method = "btree";
    made.unique = unique || primary;
    made.primary = primary;
    made.descending.resize(columns.size());
    made.columns = std::move(columns);
    return made;
}

inline SourceConstraint check(const char *name, const char *expression) {
    SourceConstraint made;
    made.name = name;
    made.expression = expression;
    return made;
}

inline SourceConstraint foreign_key(const char *name, std::vector<int> columns, std::uint32_t table,
                                    std::vector<int> there) {
    SourceConstraint made;
    made.name = name;
    made.type = 'f';
    made.columns = std::move(columns);
    made.foreign_table = table;
    made.foreign_columns = std::move(there);
    return made;
}

inline SourceTable table(std::uint32_t oid, const char *name, std::vector<SourceColumn> columns,
                         std::vector<SourceIndex> indexes = {}, std::vector<SourceConstraint> constraints = {}) {
    SourceTable made;
    made.oid = oid;
    made.name = {"public", name};
    made.target = {"shop", name};
    made.columns = std::move(columns);
    made.indexes = std::move(indexes);
    made.constraints = std::move(constraints);
    return made;
}

} // namespace walbridge::testing
