// source_tables.hpp: what the source's catalog says about tables, as far as their definitions on MySQL need it. Plain
// data; the queries are the .sql files in catalog/. Expressions are as of now, all else as of the session's snapshot.
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"
#include "change/name_map.hpp"
#include "dialect/mysql/types.hpp"
#include "wire/object_selection.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

struct SourceColumn {
    int number = 0; ///< attnum
    std::string name;
    std::string target;              ///< its name on the target; empty = the same
    dialect::mysql::SourceType type; ///< below its domains
    std::string type_sql;            ///< as PostgreSQL writes it, for people
    bool not_null = false;
    char identity = '\0', generated = '\0'; ///< pg_attribute's letters; '\0' = no
    std::string expression;                 ///< of a default or a generated column; empty = none
    std::string comment;
    bool computed = false; ///< by an expression of the task

    [[nodiscard]] const std::string &on_target() const { return target.empty() ? name : target; }
};

struct SourceIndex {
    std::string name, method;
    bool primary = false, unique = false, immediate = true, valid = true, partial = false, expressions = false,
         exclusion = false, nulls_not_distinct = false, replica_identity = false;
    std::vector<int> columns; ///< attnums of the key columns, in order; 0 = an expression
    std::vector<bool> descending;
    std::string comment;

    friend bool operator==(const SourceIndex &, const SourceIndex &) = default;
};

/// A check or a foreign key.
struct SourceConstraint {
    std::string name;
    char type = 'c'; ///< c or f
    bool deferrable = false, validated = true;
    std::vector<int> columns;
    std::uint32_t foreign_table = 0;
    std::vector<int> foreign_columns;
    char on_update = 'a', on_delete = 'a', match = 's'; ///< pg_constraint's letters
    bool sets_some_columns = false;                     ///< ON DELETE SET NULL (a, b)
    std::string expression;                             ///< of a check
    std::string target_name; ///< where the target has another than `name`: see constraint_names.hpp; empty = not
};

struct SourceTable {
    std::uint32_t oid = 0;
    QualifiedName name, target; ///< on the source, and on the target: database and table
    char kind = 'r';            ///< r, or p: partitioned, without rows of its own
    std::string comment;
    std::vector<SourceColumn> columns; ///< by attnum
    std::vector<SourceIndex> indexes;  ///< the primary key first
    std::vector<SourceConstraint> constraints;

    [[nodiscard]] const SourceColumn *column(int number) const;
};

/// Something that the target gets nothing of, or something else than the source has.
struct LeftOut {
    std::string object; ///< for people, by its name on the source
    std::string reason; ///< lower case, no final period
    /// Replication does not miss it: the source's rows come with their defaults, and what differs shows to people
    /// alone.
    bool minor = false;
    std::uint32_t table = 0; ///< its table's OID; 0 = it has none
    std::string part{};      ///< of the table: "index i", "check c"; empty = the table itself
    friend bool operator==(const LeftOut &, const LeftOut &) = default;
};

/// The selected tables, by name; partitioned ones as well.
[[nodiscard]] std::vector<SourceTable> read_source_tables(pg::Session &source, const wire::ObjectSelection &selection,
                                                          const NameMap &names);

/// Selected objects that are no tables: views, functions, triggers ...
[[nodiscard]] std::vector<LeftOut> read_other_objects(pg::Session &source, const wire::ObjectSelection &selection);

} // namespace walbridge::schema::mysql
