// catalog.hpp: what the source's catalog says about tables, as plain data. The queries are the .sql files in catalog/.
// Read through a session with an imported snapshot the answer is as of the snapshot; through a plain session it is as
// of now. (Functions such as pg_table_size and pg_get_expr always answer as of now: they only serve estimates and
// redefinitions.)
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace walbridge::source {

struct Column {
    int number = 0; ///< attnum
    std::string name;
    std::uint32_t type_oid = 0;
    std::string type;              ///< as in SQL with typmod, schema-qualified unless in pg_catalog
    char type_kind = 'b';          ///< pg_type.typtype
    std::uint32_t element_oid = 0; ///< of a true array, else 0
    bool not_null = false;
    char identity = '\0', generated = '\0'; ///< pg_attribute's letters; '\0' = no
    std::string default_sql; ///< of a default or generated column; empty = none; only after read_defaults()
    std::string collation;   ///< qualified and quoted; empty = the type's own
};

struct Index {
    std::string name;
    bool primary = false, unique = false, immediate = true, valid = true, partial = false, expressions = false,
         replica_identity = false;
    std::vector<int> columns; ///< attnums of the key columns, in key order
};

struct Table {
    std::uint32_t oid = 0;
    QualifiedName name;
    char kind = 'r';              ///< r = holds rows, p = partitioned (its leaves hold the rows)
    char replica_identity = 'd';  ///< pg_class.relreplident
    std::uint32_t filenode = 0;   ///< under the session's snapshot
    std::uint32_t parent_oid = 0; ///< partitioned table this is a partition of, or first table it inherits from
    bool inherits = false;        ///< the parent is one of plain inheritance
    bool row_security = false;
    bool unlogged = false;              ///< its rows can be copied and never be followed
    double estimated_rows = 0;          ///< negative: never analyzed
    std::uint64_t pages = 0, bytes = 0; ///< heap pages and bytes with TOAST, now
    std::vector<Column> columns;        ///< by attnum, dropped ones left out
    std::vector<Index> indexes;         ///< unique ones and those of exclusion constraints

    [[nodiscard]] const Column *column(int number) const;
};

/// Whether a list of tables holds the unlogged ones: the copy brings their rows once, nothing else knows them.
enum class Unlogged { leave_out, bring };

/// All tables that can be replicated (kinds r and p, no system, extension-owned or walbridge object), by name. The
/// caller filters by selection.
[[nodiscard]] std::vector<Table> read_tables(pg::Session &session, Unlogged unlogged = Unlogged::leave_out);

/// One table by oid, without indexes and sizes; nullopt when the session does not see it.
[[nodiscard]] std::optional<Table> read_table(pg::Session &session, std::uint32_t oid);

/// Several of them with the same two statements, in no order; those the session does not see are left out.
[[nodiscard]] std::vector<Table> read_tables(pg::Session &session, const std::vector<std::uint32_t> &oids);

/// Fills default_sql of the table's columns, as of now.
void read_defaults(pg::Session &session, Table &table);

/// The index that identifies rows in the stream under the table's replica identity (default = immediate, valid primary
/// key); nullptr for FULL, NOTHING or none.
[[nodiscard]] const Index *identity_index(const Table &table);

/// Storage and columns in one line: equal fingerprints mean that the table was neither rewritten nor truncated nor
/// altered.
[[nodiscard]] std::string fingerprint(const Table &table);

/// Which of these tables are now, as `now` sees them, not what `then` says: rewritten, truncated, altered, renamed or
/// gone. Each oid must be a key of `then`.
[[nodiscard]] std::set<std::uint32_t> changed_since(pg::Session &now, const std::map<std::uint32_t, Table> &then,
                                                    const std::set<std::uint32_t> &oids);

} // namespace walbridge::source
