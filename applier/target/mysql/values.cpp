// values.cpp: literals by the column's type.
#include "target/mysql/values.hpp"

#include "base/error.hpp"
#include "base/mysql/literal.hpp"
#include "dialect/mysql/quote.hpp"
#include "target/mysql/column_types.hpp"

#include <fmt/format.h>

namespace walbridge::target::mysql {
namespace {

using dialect::mysql::quote_identifier;

constexpr std::size_t longest_key_value = 200; ///< in an error

std::string_view type_of(const PlannedColumn &column) { return column.target.mysql->data_type; }

/// The keyword that makes a text constant one of the column's type; empty = none is needed.
std::string_view typed(std::string_view type) {
    if (type == "date") return "DATE";
    if (type == "time") return "TIME";
    if (type == "datetime" || type == "timestamp") return "TIMESTAMP";
    return {};
}

/// What an operator or an earlier version of the task file may have to do with a value.
[[noreturn]] void refuse(const TablePlan &plan, std::uint32_t index, Row row, const dialect::mysql::ValueError &error) {
    const auto key = key_for_people(plan, row);
    throw Error(ErrorKind::target_data, object_of(plan),
                fmt::format("column {}: {}{}", plan.columns[index].target.name, error.reason,
                            key.empty() ? std::string() : fmt::format(" (row {})", key)),
                error.remedy);
}

/// Bits as the number that they are: beside a bit column, bytes would be read as a decimal text.
void append_bits(std::string &sql, std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
    sql += std::to_string(number);
}

void append_written(std::string &sql, const TablePlan &plan, const PlannedColumn &column, std::string_view text,
                    Use use) {
    const auto type = type_of(column);
    if (type == "bit") return append_bits(sql, text);
    if (column.writer->binary()) return my::append_bytes(sql, text);
    // As a number -0 would be an integer, which has no sign; as text it is a double.
    const bool floating = type == "double" || type == "float";
    const bool bare = use == Use::compare || (use == Use::insert && !floating);
    if (bare && is_number(*column.target.mysql) && reads_as_number(text)) {
        if (use != Use::compare || type != "float") {
            sql += text;
            return;
        }
        sql += fmt::format("CAST({} AS FLOAT)", text); // a double that looks like it is another number
        return;
    }
    if (use == Use::compare) {
        if (const auto keyword = typed(type); !keyword.empty()) sql += keyword;
        if (type == "json" && plan.table.mysql == dialect::mysql::Flavour::mysql) { // on MariaDB it is text
            sql += "CAST(";
            my::append_literal(sql, text);
            sql += " AS JSON)";
            return;
        }
    }
    my::append_literal(sql, text);
}

/// False: NULL.
bool append(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row, Use use) {
    const auto &column = plan.columns[index];
    const auto &value = row[index];
    switch (value.kind) {
    case ValueKind::null: return false;
    case ValueKind::text: break;
    case ValueKind::binary:
        throw Error(ErrorKind::internal, object_of(plan),
                    fmt::format("column {}: a value came in binary form", column.target.name));
    case ValueKind::unchanged:
        throw Error(ErrorKind::internal, object_of(plan),
                    fmt::format("column {}: an unchanged value cannot be written", column.target.name));
    }
    if (!column.writer->converts()) {
        append_written(sql, plan, column, value.bytes, use);
        return true;
    }
    std::string scratch;
    try {
        const auto written = column.writer->write(value.bytes, scratch);
        if (!written) return false;
        append_written(sql, plan, column, *written, use);
        return true;
    } catch (const dialect::mysql::ValueError &error) {
        refuse(plan, index, row, error);
    }
}

/// The server would put the time into a TIMESTAMP column and a new number into an AUTO_INCREMENT column.
void check_null(const TablePlan &plan, std::uint32_t index, Row row) {
    const auto &column = plan.columns[index].target;
    if (!column.not_null) return;
    refuse(plan, index, row,
           {"it is NOT NULL on the target, and the value is NULL",
            fmt::format("ALTER TABLE {} MODIFY {} {} NULL; on the target, then resume.",
                        dialect::mysql::quote(plan.table.name), quote_identifier(column.name),
                        column.mysql->column_type)});
}

} // namespace

void append_value(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row, Use use) {
    if (append(sql, plan, index, row, use)) return;
    if (use != Use::compare) check_null(plan, index, row);
    sql += "NULL";
}

void append_equals(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row) {
    sql += quote_identifier(plan.columns[index].target.name);
    const auto before = sql.size();
    sql += " = ";
    if (append(sql, plan, index, row, Use::compare)) return;
    sql.resize(before);
    sql += " IS NULL";
}

void append_same(std::string &sql, const TablePlan &plan, std::uint32_t index, Row row) {
    append_equals(sql, plan, index, row);
    if (plan.table.mysql == dialect::mysql::Flavour::mariadb) return; // -0 is stored as 0 there
    const auto type = type_of(plan.columns[index]);
    const auto text = row[index].bytes;
    if ((type != "double" && type != "float") || (text != "0" && text != "-0")) return;
    sql += fmt::format(" AND CAST({} AS CHAR) {} '-0'", quote_identifier(plan.columns[index].target.name),
                       text == "-0" ? "=" : "<>");
}

std::optional<StoredValue> stored_value(const TablePlan &plan, std::uint32_t index, const Value &value) {
    if (value.kind == ValueKind::null) return std::nullopt;
    const auto &column = plan.columns[index];
    std::string scratch;
    try {
        const auto written = column.writer->write(value.bytes, scratch);
        if (!written) return std::nullopt;
        return StoredValue{std::string(*written), column.writer->binary()};
    } catch (const dialect::mysql::ValueError &) {
        return StoredValue{std::string(value.bytes), false};
    }
}

std::string key_for_people(const TablePlan &plan, Row row) {
    std::string text;
    for (const auto index : plan.key) {
        if (index >= row.size() || !row[index].present()) continue;
        const auto value = row[index].bytes;
        text += fmt::format("{}{} = {}{}", text.empty() ? "" : ", ", plan.columns[index].target.name,
                            value.substr(0, longest_key_value), value.size() > longest_key_value ? "..." : "");
    }
    return text;
}

std::string row_for_people(const TablePlan &plan, Row row) {
    const auto key = key_for_people(plan, row);
    return object_of(plan) + (key.empty() ? std::string() : ", row " + key);
}

} // namespace walbridge::target::mysql
