// table.hpp: a table as the target describes it, as far as applying rows depends on it. Plain data.
#pragma once

#include "base/qualified_name.hpp"
#include "dialect/mysql/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::target {

struct TargetColumn {
    std::string name;
    std::string type_schema, type_name; ///< pg_type's own names: int4, bpchar, _text
    std::uint32_t type_oid = 0;
    std::uint32_t base_type_oid = 0; ///< of a domain its base type, else type_oid
    std::string collation;           ///< schema.name; empty = the database's default, or a type without
    bool not_null = false;
    bool generated = false; ///< stored or virtual: never written
    bool identity_always = false;
    bool exact_equality =
        false; ///< equal by the type's `=` means the same text (integers, text, uuid ...; not numeric, float)
    bool has_equality =
        false; ///< a built-in type that can be compared and indexed (json, xml, point, refcursor cannot)
    bool cast_function_from_text =
        false; ///< a user-defined cast from text would be taken instead of the input function
    /// The column's type on MySQL and MariaDB, where type_name is for people and there are no OIDs.
    std::optional<dialect::mysql::ColumnType> mysql;
    dialect::mysql::Unfit unfit = dialect::mysql::Unfit::error; ///< what becomes of values it cannot hold
    bool changes_by_itself = false; ///< ON UPDATE CURRENT_TIMESTAMP: an UPDATE that does not set it changes it
};

struct TargetKey {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::string> operators; ///< equality of the index per column, ready for SQL: OPERATOR(public.=)
    bool primary = false;
    bool immediate = true; ///< not deferrable: enforced at each statement
    bool usable = true;    ///< valid, not partial, on plain columns only
    bool nulls_not_distinct = false;
};

/// A constraint that the server does not check while session_replication_role = replica (deferrable unique, exclusion).
struct UnenforcedConstraint {
    std::string name;
    std::vector<std::string> columns;
    std::vector<std::string> operators; ///< per column, ready for SQL: OPERATOR(pg_catalog.=)
};

struct TargetTable {
    std::uint32_t oid = 0; ///< on MySQL a number of our own, the same for the table in all sessions of the process
    QualifiedName name;
    char kind = 'r'; ///< r table, p partitioned, f foreign, v view
    std::vector<TargetColumn> columns;
    std::vector<TargetKey> keys; ///< every unique index
    std::vector<UnenforcedConstraint> unenforced;
    bool exclusion_constraints = false;
    bool firing_triggers = false; ///< ENABLE ALWAYS or REPLICA: they fire in our sessions
    bool rules = false;
    bool row_security = false; ///< policies apply to our role
    /// Rows are written as this role, the owner, because writing them runs code of users; empty = as the session's own.
    std::string acting_owner;
    std::optional<dialect::mysql::Flavour> mysql; ///< which server it is, where it is not PostgreSQL
};

} // namespace walbridge::target
