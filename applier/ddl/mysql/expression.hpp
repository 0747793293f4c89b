// expression.hpp: expressions of PostgreSQL as MySQL and MariaDB write them: defaults, checks, generated columns.
// Pure functions over libpg_query's tree. Conservative: what could mean something else for any value is not translated,
// because a check that is stricter than the source's would stop the task, and a default that differs would go unseen.
#pragma once

#include "dialect/mysql/types.hpp"

#include <functional>
#include <optional>
#include <string>

namespace pg_query {
class Node;
}

namespace walbridge::ddl::mysql {

using dialect::mysql::ColumnType;
using dialect::mysql::Flavour;
using dialect::mysql::SourceType;

/// A column that an expression may refer to, by its type on the source and on the target.
struct ExpressionColumn {
    SourceType source;
    ColumnType target;
    std::string name; ///< on the target
};

/// Null for a name that is no column.
using FindColumn = std::function<const ExpressionColumn *(const std::string &name)>;

/// SQL text, or the reason why there is none.
struct Translated {
    std::optional<std::string> sql;
    std::string reason; ///< lower case; empty when there is SQL
    /// What the expression gives; storing it as another kind may round otherwise than the source does.
    enum class Gives { integer, decimal, floating, text, boolean, other } gives = Gives::other;
    int scale = 0; ///< of numbers: digits behind the point that it may have
};

/// Whether a generated column of the type can take what an expression gives, with the same result on both sides.
[[nodiscard]] bool can_store(const Translated &expression, const ExpressionColumn &column);

/// A condition or a generation expression: comparisons, AND, OR, NOT, IS NULL, IN, BETWEEN, LIKE, +, -, *, ||, CASE,
/// coalesce, nullif, length, octet_length, abs, floor, ceil and trim; comparisons of order for numbers and times alone,
/// because text sorts by locale on the source and by code point on the target.
[[nodiscard]] Translated translate_expression(const std::string &expression, const FindColumn &columns);
[[nodiscard]] Translated translate_expression(const pg_query::Node &expression, const FindColumn &columns);

/// What a column's default says, beside SQL text.
struct TranslatedDefault {
    std::optional<std::string> sql; ///< what follows DEFAULT
    bool sequence = false;          ///< it takes the next value of a sequence: AUTO_INCREMENT is the target's way
    std::string reason;             ///< why there is no SQL
};

/// Literals through the column's ValueWriter, now() and its kin, CURRENT_DATE, gen_random_uuid(); the times of
/// timestamptz columns in UTC whatever the session's time zone.
[[nodiscard]] TranslatedDefault translate_default(const std::string &expression, const ExpressionColumn &column);
[[nodiscard]] TranslatedDefault translate_default(const pg_query::Node &expression, const ExpressionColumn &column);

/// A value in PostgreSQL's text form as a literal of the column; throws dialect::mysql::ValueError when it does not
/// fit.
[[nodiscard]] std::string value_literal(const std::string &text, const ExpressionColumn &column);

/// The same as a column's default. What the policy makes NULL is NULL; SQL is missing where it stops the task.
[[nodiscard]] TranslatedDefault value_default(const std::string &text, const ExpressionColumn &column,
                                              dialect::mysql::Unfit policy);

} // namespace walbridge::ddl::mysql
