// row_bindings.cpp: binding single values and arrays.
#include "target/postgres/row_bindings.hpp"

#include "target/postgres/array_writer.hpp"
#include "target/postgres/element_type.hpp"

namespace walbridge::target {

/// Sent by length such a text needs no terminating zero byte, and so no copy.
bool receives_text(std::uint32_t type) {
    return type == 19 || type == text_type_oid || type == 114 || type == 1042 || type == 1043;
}

void bind_value(Bindings &bindings, const PlannedColumn &column, const Value &value) {
    switch (value.kind) {
    case ValueKind::null: bindings.add_null(); return;
    case ValueKind::text:
        if (column.same_type && receives_text(column.target.base_type_oid))
            bindings.borrow(value.bytes);
        else
            bindings.add_text(std::string(value.bytes));
        return;
    case ValueKind::binary: bindings.borrow(value.bytes); return;
    case ValueKind::unchanged: break;
    }
    throw Error(ErrorKind::internal, "statement parameter", "an unchanged value cannot be bound");
}

std::optional<std::vector<std::uint32_t>> element_types(const TablePlan &plan, const statements::ColumnList &columns,
                                                        std::span<const Row> rows) {
    std::vector<std::uint32_t> types;
    for (const auto index : columns) {
        ValueKind seen = ValueKind::null;
        for (const auto &row : rows) {
            const auto kind = row[index].kind;
            if (kind == ValueKind::null) continue;
            if (seen == ValueKind::null)
                seen = kind;
            else if (seen != kind)
                return std::nullopt;
        }
        auto type = text_type_oid;
        if (seen == ValueKind::binary) {
            const auto &column = plan.relation->columns[plan.columns[index].source];
            type = column.type_kind == 'd' && column.base_type_oid != 0 ? column.base_type_oid : column.type_oid;
            // A domain over a domain names the inner one in the stream; the target's column knows where they end.
            if (element_type_name(type).empty() && plan.columns[index].same_type)
                type = plan.columns[index].target.base_type_oid;
            if (element_type_name(type).empty()) return std::nullopt;
        }
        types.push_back(type);
    }
    return types;
}

void bind_arrays(Bindings &bindings, const std::vector<std::uint32_t> &types, const statements::ColumnList &columns,
                 std::span<const Row> rows) {
    for (std::size_t position = 0; position < columns.size(); ++position) {
        ArrayWriter array(types[position]);
        for (const auto &row : rows) array.add(row[columns[position]]);
        bindings.add_binary(array.finish());
    }
}

statements::ColumnList present_columns(const TablePlan &plan, Row row) {
    statements::ColumnList columns;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        if (row[index].kind != ValueKind::unchanged) columns.push_back(index);
    return columns;
}

} // namespace walbridge::target
