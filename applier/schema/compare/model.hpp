// model.hpp: the definitions of one side as plain data, in the form in which they are compared: names quoted and
// qualified as they stand in SQL, every attribute that makes a difference by itself. No connection in it.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace walbridge::schema::compare {

/// What identifies an object on both sides. `identity` is ready for SQL: s.t, s.f(integer), "a name" on s.t.
struct Key {
    std::string kind; ///< the words of DROP: TABLE, FUNCTION, INDEX, ...; CONSTRAINT for those of tables
    std::string identity;
    auto operator<=>(const Key &) const = default;
};

/// Columns by name; order has no meaning for a table, and a composite type has its attributes in order.
struct Column {
    std::string name; ///< quoted
    std::string type, collation;
    bool not_null = false;
    char identity = '\0', generated = '\0';       ///< pg_attribute's letters; '\0' = no
    std::string default_sql;                      ///< of a default or a generated column; empty = none
    std::string storage, compression, statistics; ///< empty = the type's or the server's own
    std::map<std::string, std::string> options;
    bool inherited = false, local = true;
    std::string identity_sequence, identity_options; ///< name; INCREMENT BY ..., complete
    auto operator<=>(const Column &) const = default;
};

struct Table {
    char kind = 'r'; ///< r, p
    std::string name, persistence, access_method, partition_key;
    std::vector<std::string> parents; ///< in order
    std::string bound;                ///< of a partition
    std::map<std::string, std::string> options;
    bool row_security = false, forced_row_security = false;
    std::string clustered_on; ///< quoted name of an index
    std::vector<Column> columns;
};

struct Constraint {
    std::string table, name; ///< quoted
    std::string definition;
    bool inherited = false; ///< comes from a parent: it is not created by itself
    bool in_table = false;  ///< stands in CREATE TABLE
};

struct Index {
    std::string table, definition;
    bool inherited = false, valid = true;
};

struct Sequence {
    std::string options;  ///< AS type INCREMENT BY ..., complete
    std::string owned_by; ///< s.t.c, or NONE
    std::string persistence;
};

struct Enum {
    std::vector<std::string> labels; ///< not quoted
};

struct Composite {
    std::vector<Column> attributes;
};

struct Domain {
    std::string type, collation, default_sql;
    bool not_null = false;
    std::map<std::string, std::string> constraints; ///< quoted name, definition
};

struct View {
    std::vector<Column> columns;
    std::map<std::string, std::string> options;
};

/// What CREATE OR REPLACE cannot change.
struct Routine {
    std::string arguments, result;
    int defaults = 0;
};

using Shape = std::variant<std::monostate, Table, Constraint, Index, Sequence, Enum, Composite, Domain, View, Routine>;

/// A grant: to whom (quoted; PUBLIC; empty = the owner), what, on which column (empty = the object itself).
struct Privilege {
    std::string column, grantee, privilege;
    bool grantable = false;
    auto operator<=>(const Privilege &) const = default;
};

struct Object {
    Key key;
    std::string name;                    ///< for people
    int order = 0;                       ///< of creation
    std::string table;                   ///< identity of the table (view) it belongs to and goes with; empty = none
    std::vector<std::string> statements; ///< what creates it, without owner, grants and comments
    /// With its table: a default, an identity, a check that stands in CREATE TABLE. Not compared by itself.
    bool part_of_table = false;
    std::string owner_statement; ///< ALTER ... OWNER TO role; empty = not compared
    std::set<Privilege> privileges;
    std::map<std::string, std::string> comments; ///< what COMMENT ON names ("COLUMN s.t.c"), text
    bool only_by_name = false;                   ///< a schema that renames lead to: it has to be there, and that is all
    /// Why its text could not be put under the target's names: it is looked for by name only. Empty = it could, or need
    /// not.
    std::string unmapped;
    Shape shape{};
};

using ColumnKey = std::pair<std::string, std::string>; ///< table's identity, quoted column

struct Definitions {
    std::vector<Object> objects;          ///< in an order in which they can be created
    std::map<Key, std::set<Key>> used_by; ///< what cannot stay when the object is dropped
    std::map<ColumnKey, std::set<Key>> column_used_by;
    std::map<ColumnKey, std::set<std::string>> generated_from; ///< column, generated columns of the same table

    [[nodiscard]] const Object *find(const Key &key) const {
        for (const auto &object : objects)
            if (object.key == key) return &object;
        return nullptr;
    }
};

} // namespace walbridge::schema::compare
