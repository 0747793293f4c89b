// ddl_statement.hpp: one captured DDL statement of the source as plain data: the content of a message with the prefix
// `walbridge.ddl` (docs/wire-protocol.md, "DDL messages"). Owns its text: it outlives the batch it came in.
#pragma once

#include "base/lsn.hpp"
#include "base/qualified_name.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge {

/// An object that a statement created or changed, as the source's event trigger names it after the statement.
struct DdlObject {
    std::string class_name; ///< catalog: pg_class, pg_proc, pg_type ...; empty for GRANT and ALTER DEFAULT PRIVILEGES
    std::uint32_t oid = 0;
    std::int32_t sub = 0; ///< column number, 0 = the object itself
    std::string tag;      ///< CREATE TABLE, ALTER INDEX ...: differs from the statement's for parts of it
    std::string type;     ///< table, index, sequence, function ... as pg_identify_object names it
    std::string schema, identity;
    std::string name;                     ///< of relations, types, schemas; else empty
    char persistence = '\0';              ///< of relations: p, u, t
    std::string table_schema, table_name; ///< of indexes, triggers, policies, rules, constraints: their table
};

/// An object that a statement dropped, directly or by cascade.
struct DdlDropped {
    std::string class_name, type, schema, name, identity;
    std::uint32_t oid = 0;
    std::int32_t sub = 0;
    bool original = false; ///< named by the statement itself
    bool temporary = false;
    std::vector<std::string> address_names, address_args;
};

/// A column of a table that CREATE TABLE AS or SELECT INTO is about to create.
struct DdlColumn {
    std::string name;
    std::string type;      ///< format_type with schema, ready for SQL
    std::string collation; ///< quoted and qualified, empty = the type's default
};

/// The value that rows from before ADD COLUMN show for the new column (pg_attribute.attmissingval).
struct DdlMissingValue {
    QualifiedName table;
    std::string column;
    std::string value; ///< text form; never NULL (there is no entry then)
};

struct DdlStatement {
    enum class Kind : std::uint8_t {
        statement,
        gap, ///< DDL happened that could not be captured; `reason` says why
    };
    /// When in the statement's life the message was written. Statements whose rows come before their end are announced;
    /// `end` follows in any case, with the same number.
    enum class Phase : std::uint8_t {
        start,   ///< CREATE TABLE AS, SELECT INTO: before the first row; `columns` is set
        rewrite, ///< before the rows of a rewritten table, once per table; `rewritten` is set
        end,     ///< done; objects, dropped objects and missing values are set
    };
    Kind kind = Kind::statement;
    Phase phase = Phase::end;
    // Proof of origin: compared with what the stream says of the message.
    std::string system_identifier;
    std::uint32_t database_oid = 0;
    std::uint64_t full_xid = 0;
    std::uint64_t sequence = 0; ///< of messages within the transaction, from 1, always rising
    // Place: order of beginning, which is not the order of the messages.
    std::uint64_t number = 0;                    ///< of statements within the transaction, from 1
    std::uint64_t parent = 0;                    ///< the captured statement inside of which this one ran; 0 = none
    std::uint32_t level = 0;                     ///< nesting
    std::string tag;                             ///< ALTER TABLE ...
    std::string text;                            ///< exactly as it was given, one statement, UTF-8
    std::string role;                            ///< current_user at its start
    std::map<std::string, std::string> settings; ///< what changes the meaning of the text: search_path, TimeZone ...
    /// The relation that ALTER, RENAME, SET SCHEMA name, under its name before the statement.
    std::optional<QualifiedName> before;
    std::uint32_t before_oid = 0;
    std::vector<DdlColumn> columns;
    std::vector<DdlObject> objects;
    std::vector<DdlDropped> dropped;
    std::vector<DdlMissingValue> missing;
    std::optional<QualifiedName> rewritten;
    std::uint32_t rewritten_oid = 0;
    std::string reason;
    /// Tables as they are after the statement (at `start`: as they are about to be made), as a JSON array; empty = the
    /// message says nothing of them.
    std::string definitions;
    std::string definitions_failure; ///< why it does not say it; empty = nothing was in the way
};

} // namespace walbridge
