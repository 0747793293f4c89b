// shape.cpp: see shape.hpp.
#include "source/shape.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace walbridge::source {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

/// The line break ends a comment that the text may close with.
std::string embraced(const std::string &sql) { return "(" + sql + "\n)"; }

ShapedColumn own_column(const Column &column, const NameMap &names, const QualifiedName &table) {
    ShapedColumn shaped;
    shaped.name = column.name;
    shaped.target = names.column(table, column.name);
    shaped.sql = quote_identifier(column.name);
    shaped.own = &column;
    shaped.type_oid = column.type_oid;
    shaped.element_oid = column.element_oid;
    shaped.type = column.type;
    shaped.type_kind = column.type_kind;
    shaped.generated = column.generated != '\0';
    return shaped;
}

} // namespace

const ShapedColumn *Shape::find(const std::string &source_name) const {
    const auto found = std::ranges::find(columns, source_name, &ShapedColumn::name);
    return found == columns.end() ? nullptr : &*found;
}

bool Shape::plain() const {
    return where.empty() && left_out.empty() && added.empty() && std::ranges::all_of(columns, [](const auto &column) {
               return !column.computed && column.name == column.target;
           });
}

Shape as_it_is(const Table &table, const NameMap &names) {
    Shape shape;
    for (const auto &column : table.columns) shape.columns.push_back(own_column(column, names, table.name));
    return shape;
}

std::string added_value_of_copy(const std::string &content, const TaskConfig &config, Lsn at) {
    if (content == "operation") return "'copy'::text";
    if (content == "commit_time") return "pg_catalog.transaction_timestamp()";
    if (content == "lsn") return "'" + to_string(at) + "'::text";
    if (content == "source") return "pg_catalog.current_database()::text";
    return "'" + config.name + "'::text"; // of task: [a-z0-9_]
}

void learn_partitions(const NameMap &names, const std::vector<Table> &tables) {
    std::unordered_map<std::uint32_t, const QualifiedName *> by_oid;
    for (const auto &table : tables) by_oid.emplace(table.oid, &table.name);
    for (const auto &table : tables) {
        const auto above = table.inherits ? by_oid.end() : by_oid.find(table.parent_oid);
        names.learn_partition(table.name, above == by_oid.end() ? table.name : *above->second);
    }
}

Shape Shaper::shape(const Table &table) {
    if (!shapes_tables(config_)) return as_it_is(table);
    Shape shape;
    const auto rule = rule_of(config_, table.name);
    if (rule.where) shape.where = embraced(*rule.where);
    const std::map<std::string, std::string> nothing;
    const auto &expressions = rule.columns ? *rule.columns : nothing;
    const auto &types = rule.types ? *rule.types : nothing;
    bool ask = false;
    const auto compute = [&](ShapedColumn &column, const std::string &expression) {
        column.computed = true;
        column.generated = false;
        const auto type = types.find(column.name);
        if (type != types.end()) column.type = type->second;
        ask = ask || type != types.end() || column.own == nullptr;
        column.sql = embraced(expression);
        if (!column.type.empty()) column.sql += "::" + column.type;
    };
    for (const auto &column : table.columns) {
        if (!rule.takes(column.name)) {
            shape.left_out.push_back(&column);
            continue;
        }
        auto shaped = own_column(column, config_.names, table.name);
        if (const auto found = expressions.find(column.name); found != expressions.end())
            compute(shaped, found->second);
        shape.columns.push_back(std::move(shaped));
    }
    for (const auto &[name, expression] : expressions) {
        if (std::ranges::find(table.columns, name, &Column::name) != table.columns.end()) continue;
        ShapedColumn derived;
        derived.name = name;
        derived.target = config_.names.column(table.name, name);
        compute(derived, expression);
        shape.columns.push_back(std::move(derived));
    }
    shape.added = added_columns_of(config_, table.name);
    if (ask) ask_types(table, shape);
    return shape;
}

void Shaper::ask_types(const Table &table, Shape &shape) {
    std::string list;
    for (const auto &column : shape.columns)
        if (column.computed) list += (list.empty() ? "" : ", ") + column.sql;
    const bool nested = session_.in_transaction();
    try {
        if (nested) session_.execute("SAVEPOINT walbridge_types");
        const auto none = session_.query(fmt::format("SELECT {} FROM ONLY {} LIMIT 0", list, quote(table.name)));
        int at = 0;
        for (auto &column : shape.columns) {
            if (!column.computed) continue;
            column.type_oid = PQftype(none.raw(), at);
            const auto type = session_.query("SELECT pg_catalog.format_type(t.oid, $2::int), t.typtype, CASE WHEN "
                                             "t.typcategory = 'A' THEN t.typelem ELSE 0 "
                                             "END FROM pg_catalog.pg_type t WHERE t.oid = $1::oid",
                                             {std::to_string(column.type_oid), std::to_string(PQfmod(none.raw(), at))});
            column.type = type.text(0, 0);
            column.type_kind = type.text(0, 1).at(0);
            column.element_oid = static_cast<std::uint32_t>(type.number(0, 2));
            ++at;
        }
        if (nested) session_.execute("RELEASE SAVEPOINT walbridge_types");
    } catch (const SqlError &error) {
        if (!error.sqlstate().starts_with("42")) throw;
        if (nested) session_.execute("ROLLBACK TO SAVEPOINT walbridge_types");
        throw Error(ErrorKind::rule, "table " + to_string(table.name),
                    "the source refuses an expression of its columns: " + error.reason(),
                    "Correct it in [[objects.table]]; walbridge precheck names expression and position.");
    }
}

void learn_names(const TaskConfig &config, pg::Session &source) {
    if (!learns_names(config)) return;
    const auto rows = source.query(
        "SELECT n.nspname, c.relname, pn.nspname, pc.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition LEFT "
        "JOIN pg_catalog.pg_class pc ON pc.oid = i.inhparent LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = "
        "pc.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname NOT IN "
        "('information_schema', 'walbridge')");
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName name{rows.text(row, 0), rows.text(row, 1)};
        config.names.learn_table(name);
        config.names.learn_partition(name,
                                     rows.null(row, 2) ? name : QualifiedName{rows.text(row, 2), rows.text(row, 3)});
    }
    const auto schemas = source.query("SELECT nspname FROM pg_catalog.pg_namespace");
    for (int row = 0; row < schemas.rows(); ++row) config.names.learn_schema(schemas.text(row, 0));
}

} // namespace walbridge::source
