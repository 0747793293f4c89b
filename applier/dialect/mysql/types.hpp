// types.hpp: which MySQL or MariaDB type holds the values of a PostgreSQL type. docs/types-mysql.md is the same for
// people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::dialect::mysql {

enum class Flavour { mysql, mariadb };

/// What becomes of a value that the column cannot hold (NaN, infinity, years before 1 or after 9999 ...).
enum class Unfit {
    error, ///< the task stops at it
    null,
    clamp, ///< the nearest value that fits; where there is none (NaN, long text), as `error`
    text,  ///< the schema stage makes a text column, which holds PostgreSQL's own text of every value
};

/// A type of the source as far as its values depend on it. Domains are resolved to their base type by the caller.
struct SourceType {
    std::uint32_t oid = 0; ///< pg_type.oid; built-in types are told by it
    std::string name;      ///< pg_type.typname: int4, bpchar, _text, of user types their own
    char kind = 'b';       ///< pg_type.typtype, and 'a' for arrays
    std::int32_t typmod = -1;
    std::uint32_t element_oid = 0; ///< of an array
    std::string element_name;
    std::vector<std::string> enum_labels;
};

/// A column type of the target as information_schema.columns shows it.
struct ColumnType {
    std::string data_type;   ///< lower case: int, bigint, varchar, longtext, datetime ...
    std::string column_type; ///< the whole: int(11) unsigned, varchar(40), enum('a','b')
    std::string charset, collation;
    std::optional<std::uint64_t> length; ///< characters or bytes
    std::optional<int> precision, scale; ///< numbers; bits of a bit column
    std::optional<int> fraction;         ///< digits of seconds
    bool is_unsigned = false;
};

enum class Fidelity {
    exact,     ///< a value that is written reads back as the same value; what does not fit is refused
    lossy,     ///< something of a value is lost
    impossible ///< no column of the target can hold the values
};

/// What the schema stage makes of a column.
struct MappedType {
    std::string sql; ///< for CREATE TABLE, with charset and collation: "varchar(40) CHARACTER SET utf8mb4 COLLATE
                     ///< utf8mb4_nopad_bin"
    Fidelity fidelity = Fidelity::exact;
    std::string remark;        ///< what is lost or refused; empty = nothing
    bool needs_prefix = false; ///< in an index it needs a prefix length (text, blob)
    ColumnType column;         ///< the same as information_schema will show it
    std::size_t row_bytes = 0; ///< of the 65,535 that a row's columns may declare together
    std::size_t key_bytes = 0; ///< of the 3,072 that an index's columns may declare together; 0: needs a prefix
};

inline constexpr std::size_t most_key_bytes = 3072, most_row_bytes = 65535;
inline constexpr std::size_t bytes_per_character = 4; ///< of utf8mb4, as the server counts keys and rows

struct MapOptions {
    bool key_column = false;                ///< part of a primary, unique or foreign key: indexed as a whole
    std::size_t key_bytes = most_key_bytes; ///< for a key column: what its keys leave it
    Unfit unfit = Unfit::error;
    /// Characters of the shortest varchar outside of keys: MariaDB's rows hold columns of fewer than 256 bytes
    /// themselves.
    std::size_t shortest = 0;
    bool off_row =
        false; ///< the row is too wide: text and bytes as longtext and longblob where a key does not need them
};

/// Without an answer for types whose values mean nothing outside of their server (Fidelity::impossible, sql empty):
/// pseudo-types only; a type that is not known travels as text.
[[nodiscard]] MappedType map_type(const SourceType &source, Flavour flavour, const MapOptions &options);

/// `key_column`: the column is part of a primary or unique key or an index, so that its type must be indexable as a
/// whole where it can be.
[[nodiscard]] MappedType map_type(const SourceType &source, Flavour flavour, bool key_column);

/// How faithfully a column that exists holds the values of a type, written through its ValueWriter.
struct Judgement {
    Fidelity fidelity = Fidelity::exact;
    std::string remark; ///< what is lost or refused; empty = nothing
};
[[nodiscard]] Judgement judge_column(const SourceType &source, const ColumnType &target);

/// The collation of every text column: compares bytes and pads nothing, so that 'a', 'A' and 'a ' are three values.
[[nodiscard]] std::string_view collation(Flavour flavour);

/// A SourceType of a built-in type by its name ("int4", "_text"); for tests and tools. Throws Error(internal).
[[nodiscard]] SourceType built_in(std::string_view name, std::int32_t typmod = -1);

/// Names of all built-in types that map_type() knows by oid, without their arrays.
[[nodiscard]] std::vector<std::string_view> built_in_types();

} // namespace walbridge::dialect::mysql
