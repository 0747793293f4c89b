// statements.cpp: builds the SQL text of row and set statements.
#include "target/postgres/statements.hpp"

#include "base/error.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/element_type.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target {

std::string_view element_type_name(std::uint32_t oid) {
    switch (oid) {
    case 16: return "bool";
    case 17: return "bytea";
    case 18: return "char";
    case 19: return "name";
    case 20: return "int8";
    case 21: return "int2";
    case 23: return "int4";
    case 25: return "text";
    case 26: return "oid";
    case 650: return "cidr";
    case 700: return "float4";
    case 701: return "float8";
    case 869: return "inet";
    case 1042: return "bpchar";
    case 1043: return "varchar";
    case 1082: return "date";
    case 1083: return "time";
    case 1114: return "timestamp";
    case 1184: return "timestamptz";
    case 1186: return "interval";
    case 1266: return "timetz";
    case 1560: return "bit";
    case 1562: return "varbit";
    case 1700: return "numeric";
    case 2950: return "uuid";
    case 3802: return "jsonb";
    default: return {};
    }
}

} // namespace walbridge::target

namespace walbridge::target::statements {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

std::string column_of(const TablePlan &plan, std::uint32_t index) {
    return quote_identifier(plan.columns[index].target.name);
}

std::string column_list(const TablePlan &plan, const ColumnList &columns) {
    std::string text;
    for (const auto index : columns) text += (text.empty() ? "" : ", ") + column_of(plan, index);
    return text;
}

/// Numbers the parameters of a statement.
class Parameters {
  public:
    explicit Parameters(const TablePlan &plan) : plan_(plan) {}

    std::string next(std::uint32_t index) { return typed_parameter(plan_.columns[index], ++count_); }

  private:
    const TablePlan &plan_;
    std::size_t count_ = 0;
};

std::string as_text(const std::string &value) { return value + "::pg_catalog.text COLLATE \"C\""; }

/// The condition that finds an old row by one column of a full-row lookup.
std::string full_row_condition(const TablePlan &plan, std::uint32_t index, bool null, Parameters &parameters) {
    const auto name = column_of(plan, index);
    if (null) return name + " IS NOT DISTINCT FROM NULL";
    const auto &column = plan.columns[index].target;
    const auto value = parameters.next(index);
    if (column.exact_equality) return name + " = " + value;
    const auto exact = as_text(name) + " = " + as_text(value);
    // The same parameter twice: `=` lets an index find the row, the text form tells 1.0 from 1.00.
    return column.has_equality ? name + " = " + value + " AND " + exact : exact;
}

std::string and_also(const std::string &also) { return also.empty() ? std::string() : " AND " + also; }

std::string where_of(const TablePlan &plan, const std::vector<bool> &lookup_nulls, Parameters &parameters) {
    std::string condition;
    const auto add = [&](const std::string &part) { condition += (condition.empty() ? "" : " AND ") + part; };
    switch (plan.lookup) {
    case Lookup::unique_key:
        for (const auto index : plan.key)
            add(column_of(plan, index) + " " + plan.columns[index].equality + " " + parameters.next(index));
        return condition;
    case Lookup::key:
        for (const auto index : plan.key) add(full_row_condition(plan, index, false, parameters));
        break;
    case Lookup::full_row:
        for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
            if (!plan.columns[index].added) add(full_row_condition(plan, index, lookup_nulls.at(index), parameters));
        break;
    case Lookup::none:
        throw Error(
            ErrorKind::unidentified, object_of(plan), "rows of this table cannot be identified on the target",
            fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL;", quote(plan.relation->name)));
    }
    const std::string row_id = plan.table.kind == 'p' ? "(tableoid, ctid)" : "ctid";
    return fmt::format("{} = (SELECT {} FROM {} WHERE {} LIMIT 1)", row_id,
                       plan.table.kind == 'p' ? "tableoid, ctid" : "ctid", relation_of(plan), condition);
}

std::string array_parameter(std::size_t position, std::uint32_t element_type) {
    return fmt::format("${}::pg_catalog.{}[]", position, quote_identifier(element_type_name(element_type)));
}

/// An unnested element as a value of the column's type.
std::string element(const TablePlan &plan, std::uint32_t index, std::size_t position, std::uint32_t element_type) {
    const auto &column = plan.columns[index];
    auto name = fmt::format("u.c{}", position);
    if (element_type == column.target.type_oid && column.same_type) return name;
    if (column.same_type || element_type == text_type_oid) return name + "::" + type_of(column.target);
    return name + "::pg_catalog.text::" + type_of(column.target);
}

std::string unnest(const std::vector<std::uint32_t> &element_types) {
    std::string arrays, names;
    for (std::size_t position = 1; position <= element_types.size(); ++position) {
        const auto *comma = position == 1 ? "" : ", ";
        arrays += fmt::format("{}pg_catalog.unnest({})", comma, array_parameter(position, element_types[position - 1]));
        names += fmt::format("{}c{}", comma, position);
    }
    // Several arrays in one unnest are a form of the bare name only; ROWS FROM is the same with every name qualified.
    return fmt::format("ROWS FROM ({}) AS u({})", arrays, names);
}

/// Join condition over the key columns; their arrays start after `first` others.
std::string key_join(const TablePlan &plan, std::size_t first, const std::vector<std::uint32_t> &element_types) {
    std::string condition;
    for (std::size_t position = 0; position < plan.key.size(); ++position) {
        const auto index = plan.key[position];
        condition += fmt::format("{}t.{} {} {}", condition.empty() ? "" : " AND ", column_of(plan, index),
                                 plan.columns[index].equality,
                                 element(plan, index, first + position + 1, element_types[first + position]));
    }
    return condition;
}

} // namespace

std::string relation_of(const TablePlan &plan) {
    return (plan.table.kind == 'p' ? std::string() : std::string("ONLY ")) + quote(plan.table.name);
}

std::string typed_parameter(const PlannedColumn &column, std::size_t number) {
    if (column.same_type) return fmt::format("${}::{}", number, type_of(column.target));
    return fmt::format("${}::{}::pg_catalog.text::{}", number,
                       column.source_type.empty() ? "pg_catalog.text" : column.source_type, type_of(column.target));
}

std::string type_of(const TargetColumn &column) {
    return quote_identifier(column.type_schema) + "." + quote_identifier(column.type_name);
}

std::string insert_row(const TablePlan &plan, const ColumnList &columns) {
    Parameters parameters(plan);
    if (columns.empty()) return fmt::format("INSERT INTO {} DEFAULT VALUES", quote(plan.table.name));
    std::string values;
    for (const auto index : columns) values += (values.empty() ? "" : ", ") + parameters.next(index);
    return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", quote(plan.table.name),
                       column_list(plan, columns), values);
}

std::string update_row(const TablePlan &plan, const ColumnList &set, const std::vector<bool> &lookup_nulls,
                       const std::string &also) {
    Parameters parameters(plan);
    std::string assignments;
    for (const auto index : set)
        assignments +=
            fmt::format("{}{} = {}", assignments.empty() ? "" : ", ", column_of(plan, index), parameters.next(index));
    const auto condition = where_of(plan, lookup_nulls, parameters) + and_also(also);
    if (set.empty()) // nothing of the target's changed: still prove that the row is there
        return fmt::format("SELECT 1 FROM {} WHERE {} FOR UPDATE", relation_of(plan), condition);
    return fmt::format("UPDATE {} SET {} WHERE {}", relation_of(plan), assignments, condition);
}

std::string replace_row(const TablePlan &plan, const ColumnList &set, const std::vector<bool> &lookup_nulls,
                        const std::string &also) {
    Parameters parameters(plan);
    std::vector<std::string> values(plan.columns.size());
    for (const auto index : set) values[index] = parameters.next(index);
    // The target's own columns, which no change carries, keep their values too.
    std::string names, selected;
    for (const auto &column : plan.table.columns) {
        if (column.generated) continue;
        const auto name = quote_identifier(column.name);
        const auto index = find_column(plan, column.name);
        names += (names.empty() ? "" : ", ") + name;
        selected +=
            (selected.empty() ? "" : ", ") + (index && !values[*index].empty() ? values[*index] : "old_row." + name);
    }
    const auto condition = where_of(plan, lookup_nulls, parameters) + and_also(also);
    return fmt::format("WITH old_row AS (DELETE FROM {} WHERE {} RETURNING *) INSERT INTO {} ({}) OVERRIDING SYSTEM "
                       "VALUE SELECT {} FROM old_row",
                       relation_of(plan), condition, quote(plan.table.name), names, selected);
}

std::string delete_row(const TablePlan &plan, const std::vector<bool> &lookup_nulls, const std::string &also) {
    Parameters parameters(plan);
    const auto condition = where_of(plan, lookup_nulls, parameters) + and_also(also);
    return fmt::format("DELETE FROM {} WHERE {}", relation_of(plan), condition);
}

std::string met_row(const TablePlan &plan) {
    std::string key;
    for (const auto index : plan.key)
        key += fmt::format("{}{}, t.{}", key.empty() ? "" : ", ",
                           dialect::postgres::quote_literal(plan.columns[index].target.name), column_of(plan, index));
    return fmt::format("pg_catalog.to_json(t.*)::text AS shown, {} AS key, t.xmin AS writer",
                       key.empty() ? "NULL" : fmt::format("pg_catalog.json_build_object({})::text", key));
}

std::string find_row(const TablePlan &plan, const std::string &selected, const std::vector<bool> &lookup_nulls) {
    Parameters parameters(plan);
    const auto condition = where_of(plan, lookup_nulls, parameters);
    return fmt::format("SELECT {} FROM {} AS t WHERE {} FOR UPDATE", selected, relation_of(plan), condition);
}

ColumnList lookup_columns(const TablePlan &plan, const std::vector<bool> &lookup_nulls) {
    if (plan.lookup != Lookup::full_row) return plan.key;
    ColumnList columns;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) {
        if (lookup_nulls.at(index) || plan.columns[index].added) continue;
        columns.push_back(index);
    }
    return columns;
}

std::string insert_set(const TablePlan &plan, const ColumnList &columns,
                       const std::vector<std::uint32_t> &element_types) {
    std::string selected;
    for (std::size_t position = 0; position < columns.size(); ++position)
        selected +=
            (position == 0 ? "" : ", ") + element(plan, columns[position], position + 1, element_types[position]);
    return fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}", quote(plan.table.name),
                       column_list(plan, columns), selected, unnest(element_types));
}

std::string copy_set(const TablePlan &plan, const ColumnList &columns) {
    return fmt::format("COPY {} ({}) FROM STDIN WITH (FORMAT binary)", quote(plan.table.name),
                       column_list(plan, columns));
}

std::string update_set(const TablePlan &plan, const ColumnList &set, const std::vector<std::uint32_t> &element_types,
                       const std::string &also) {
    std::string assignments;
    for (std::size_t position = 0; position < set.size(); ++position)
        assignments += fmt::format("{}{} = {}", position == 0 ? "" : ", ", column_of(plan, set[position]),
                                   element(plan, set[position], position + 1, element_types[position]));
    return fmt::format("UPDATE {} AS t SET {} FROM {} WHERE {}", relation_of(plan), assignments, unnest(element_types),
                       key_join(plan, set.size(), element_types) + and_also(also));
}

std::string delete_set(const TablePlan &plan, const std::vector<std::uint32_t> &element_types,
                       const std::string &also) {
    return fmt::format("DELETE FROM {} AS t USING {} WHERE {}", relation_of(plan), unnest(element_types),
                       key_join(plan, 0, element_types) + and_also(also));
}

std::string count_set(const TablePlan &plan, const std::vector<std::uint32_t> &element_types, const std::string &also) {
    return fmt::format("SELECT 1 FROM {} AS t JOIN {} ON {}", relation_of(plan), unnest(element_types),
                       key_join(plan, 0, element_types) + and_also(also));
}

std::vector<Truncate> truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) {
    std::vector<Truncate> all;
    for (const auto *plan : plans) {
        auto same = std::ranges::find(all, plan->table.acting_owner, &Truncate::acting_owner);
        if (same == all.end()) same = all.insert(all.end(), {plan->table.acting_owner, {}});
        same->sql += (same->sql.empty() ? "TRUNCATE " : ", ") + relation_of(*plan);
    }
    if (restart_identity)
        for (auto &one : all) one.sql += " RESTART IDENTITY";
    return all;
}

std::string proven(const std::string &sql, int parameter) {
    // The logarithm of zero is an error, that of one is not.
    return fmt::format("WITH changed AS ({}{}) SELECT pg_catalog.ln((pg_catalog.count(*) = "
                       "${}::pg_catalog.int8)::pg_catalog.int4::pg_catalog.float8) FROM changed",
                       sql, sql.starts_with("SELECT") ? "" : " RETURNING 1", parameter);
}

} // namespace walbridge::target::statements
