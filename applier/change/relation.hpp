// relation.hpp: a source table as the stream describes it. A descriptor never changes: after DDL the stream brings
// another.
#pragma once

#include "base/qualified_name.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge {

/// What walbridge itself writes into a column that the source does not have (objects.table[].add_columns).
enum class Added : std::uint8_t { no, operation, commit_time, lsn, constant };

struct Column {
    std::string name;
    bool key = false; ///< part of the replica identity (all columns under REPLICA IDENTITY FULL)
    bool not_null = false;
    bool identity_always = false, identity_by_default = false;
    bool generated = false;
    std::uint8_t layout = 0; ///< how binary values travel (docs/wire-protocol.md), for records that are read once more
    std::uint32_t type_oid = 0;
    std::string type_schema, type_name;
    char type_kind = 'b'; ///< pg_type.typtype, and 'a' for arrays
    std::int32_t typmod = -1;
    std::uint32_t base_type_oid = 0; ///< of a domain or the element of an array
    std::string base_type_schema, base_type_name;
    std::string collation; ///< schema.name; empty = the type's default
    std::vector<std::string> enum_labels;
    Added added = Added::no; ///< not in the stream; such columns stand behind all others
    std::string constant;    ///< the value of Added::constant
};

enum class ReplicaIdentity : char { primary_key = 'd', nothing = 'n', full = 'f', index = 'i' };

struct Relation {
    std::uint32_t number = 0; ///< of this descriptor within the connection, never reused
    std::uint32_t oid = 0;
    /// Not 0: the rows are those that ALTER TABLE made of this table's; `name` is that table's.
    std::uint32_t rewrite_of = 0;
    QualifiedName name;
    char kind = 'r'; ///< pg_class.relkind
    ReplicaIdentity identity = ReplicaIdentity::primary_key;
    std::vector<Column> columns;
    std::vector<std::uint32_t> key_columns; ///< indexes into `columns`
};

} // namespace walbridge
