// row_sql.cpp: see row_sql.hpp.
#include "task/row_sql.hpp"

#include "dialect/postgres.hpp"
#include "target/postgres/statements.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

QualifiedName name_on_source(const NameMap &names, const QualifiedName &target) {
    if (auto source = names.renamed_to(target)) return *std::move(source);
    for (const auto &[source, there] : names.schemas())
        if (there == target.schema) return {source, target.name};
    return target;
}

const target::TargetColumn *find_column(const target::TargetTable &table, std::string_view name) {
    const auto found = std::ranges::find(table.columns, name, &target::TargetColumn::name);
    return found == table.columns.end() ? nullptr : &*found;
}

const pg::Parameter *find_value(const RowValues &values, std::string_view column) {
    const auto found = std::ranges::find_if(values, [&](const auto &value) { return value.first->name == column; });
    return found == values.end() ? nullptr : &found->second;
}

std::string typed_parameter(const target::TargetColumn &column, std::size_t number) {
    return fmt::format("${}::{}", number, target::statements::type_of(column));
}

std::string text_of(const std::string &expression) {
    return fmt::format("CASE WHEN pg_catalog.num_nulls({0}) = 0 THEN pg_catalog.format('%s', {0}) END", expression);
}

std::string relation_of(const target::TargetTable &table) {
    return (table.kind == 'p' ? std::string() : std::string("ONLY ")) + quote(table.name);
}

RowCondition by_key(const target::TargetKey &key, const RowValues &values) {
    RowCondition condition;
    if (!key.usable) return condition;
    for (std::size_t at = 0; at < key.columns.size(); ++at) {
        const auto found =
            std::ranges::find_if(values, [&](const auto &value) { return value.first->name == key.columns[at]; });
        if (found == values.end()) return {};
        const auto name = "t." + quote_identifier(key.columns[at]);
        condition.sql += condition.sql.empty() ? "" : " AND ";
        if (!found->second) {
            if (!key.nulls_not_distinct) return {}; // nulls never collide
            condition.sql += name + " IS NULL";
            continue;
        }
        condition.parameters.push_back(found->second);
        condition.sql += fmt::format("{} {} {}", name, key.operators[at],
                                     typed_parameter(*found->first, condition.parameters.size()));
    }
    return condition;
}

RowCondition by_values(const target::TargetTable &table, const RowValues &values) {
    for (const auto &key : table.keys) // the primary one comes first
        if (auto condition = by_key(key, values); !condition.sql.empty()) return condition;
    RowCondition condition;
    for (const auto &[column, value] : values) {
        const auto name = "t." + quote_identifier(column->name);
        condition.sql += condition.sql.empty() ? "" : " AND ";
        if (!value) {
            condition.sql += fmt::format("pg_catalog.num_nulls({}) = 1", name);
            continue;
        }
        condition.parameters.push_back(value);
        condition.sql += fmt::format("{} = pg_catalog.format('%s', {})", text_of(name),
                                     typed_parameter(*column, condition.parameters.size()));
    }
    return condition;
}

} // namespace walbridge::task
