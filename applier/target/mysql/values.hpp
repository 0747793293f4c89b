// values.hpp: values of a planned row inside SQL text: to be stored, or to be compared with their column.
#pragma once

#include "target/target.hpp"

#include <string>

namespace walbridge::target::mysql {

enum class Use {
    insert,  ///< in VALUES: numbers stand without quotes, but for doubles
    assign,  ///< where several values become one expression (CASE): all of one type, text or bytes
    compare, ///< beside the column: numbers as numbers, times as times, so that nothing is compared as a double
};

/// Appends the value of the planned column `index`. A value that the column cannot hold is Error(target_data) with
/// table, column, reason and remedy; `row` names the row in it (its key columns, as far as they are there).
void append_value(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row, Use use);

/// Appends `column = value`, or what stands for it where the value is NULL.
void append_equals(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row);

/// The same for a row that is found by all of its columns: 0 and -0 are two values, where the server keeps
/// the sign.
void append_same(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row);

/// The value as the server stores it: for people and records. nullopt: NULL. What does not fit is shown as the source
/// has it.
struct StoredValue {
    std::string text;
    bool bytes = false;
};
[[nodiscard]] std::optional<StoredValue> stored_value(const TablePlan &plan, std::uint32_t index, const Value &value);

/// "id = 5, code = x": the lookup key of a planned row, for errors.
[[nodiscard]] std::string key_for_people(const TablePlan &plan, Row row);
/// "table public.a, row id = 5".
[[nodiscard]] std::string row_for_people(const TablePlan &plan, Row row);

} // namespace walbridge::target::mysql
