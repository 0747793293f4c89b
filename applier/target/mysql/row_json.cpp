// row_json.cpp: JSON by hand, because numbers must keep every digit.
#include "target/mysql/row_json.hpp"

#include "dialect/mysql/quote.hpp"
#include "target/mysql/column_types.hpp"
#include "target/mysql/values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::target::mysql {
namespace {

using dialect::mysql::quote_identifier;

/// Values in transit are kept up to this size; longer ones are named by their length.
constexpr std::size_t longest_shown_value = 4096;

bool holds_bytes(const dialect::mysql::ColumnType &type) {
    return type.data_type.ends_with("blob") || type.data_type.ends_with("binary") || type.data_type == "bit";
}

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string hex(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "\\x";
    for (const char c : bytes) {
        text += digits[static_cast<unsigned char>(c) >> 4U];
        text += digits[static_cast<unsigned char>(c) & 15U];
    }
    return text;
}

/// JSON knows no +1, .5, 5. and 007.
bool json_number(std::string_view text) {
    if (!reads_as_number(text) || text.starts_with('+')) return false;
    if (text.starts_with('-')) text.remove_prefix(1);
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return false;
    return text.find(".e") == std::string_view::npos && text.find(".E") == std::string_view::npos &&
           !text.ends_with('.');
}

std::string member(const TargetColumn &column, std::optional<std::string_view> value) {
    auto text = json_text(column.name) + ": ";
    if (!value) return text + "null";
    return text + (is_number(*column.mysql) && json_number(*value) ? std::string(*value) : json_text(*value));
}

void add_member(std::string &object, const std::string &member) { object += (object.empty() ? "{" : ", ") + member; }

std::string closed(std::string object) { return object.empty() ? "{}" : object + "}"; }

} // namespace

std::string shown_columns(const TablePlan &plan) {
    std::string list;
    for (const auto &column : plan.table.columns) {
        const auto name = quote_identifier(column.name);
        const auto value = holds_bytes(*column.mysql) ? fmt::format("CONCAT('\\x', LOWER(HEX({})))", name) : name;
        list += fmt::format("{}IF(OCTET_LENGTH({}) > {}, CONCAT('(', OCTET_LENGTH({}), ' bytes)'), {})",
                            list.empty() ? "" : ", ", name, longest_shown_row, name, value);
    }
    return list;
}

MetRow met_row(const TablePlan &plan, const my::Result &rows, int row) {
    std::string shown, key;
    for (std::size_t at = 0; at < plan.table.columns.size(); ++at) {
        const auto column = static_cast<int>(at);
        const auto value = rows.null(row, column) ? std::nullopt : std::optional(rows.get(row, column));
        add_member(shown, member(plan.table.columns[at], value));
    }
    for (const auto index : plan.key)
        for (std::size_t at = 0; at < plan.table.columns.size(); ++at) {
            const auto column = static_cast<int>(at);
            if (plan.table.columns[at].name != plan.columns[index].target.name) continue;
            const auto value = rows.null(row, column) ? std::nullopt : std::optional(rows.get(row, column));
            add_member(key, member(plan.table.columns[at], value));
        }
    MetRow met;
    met.shown = closed(std::move(shown));
    if (!key.empty()) met.key = closed(std::move(key));
    return met;
}

std::string row_json(const TablePlan &plan, Row row) {
    std::string object;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        const auto &value = row[index];
        if (value.kind == ValueKind::unchanged) continue;
        const auto &column = plan.columns[index].target;
        if (value.bytes.size() > longest_shown_value) {
            add_member(object,
                       json_text(column.name) + ": " + json_text(fmt::format("({} bytes)", value.bytes.size())));
            continue;
        }
        const auto stored = stored_value(plan, index, value);
        const auto text = !stored ? std::nullopt : std::optional(stored->bytes ? hex(stored->text) : stored->text);
        add_member(object, member(column, text));
    }
    return closed(std::move(object));
}

} // namespace walbridge::target::mysql
