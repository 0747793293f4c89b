// precheck_rules.cpp: filters, columns and expressions of the task file, judged by the plugin's own function on the
// source, so that what precheck accepts is what decoding does.
#include "config/table_rules.hpp"
#include "dialect/postgres.hpp"
#include "source/shape.hpp"
#include "target/kind.hpp"
#include "task/precheck_checks.hpp"

#include <fmt/format.h>
#include <map>
#include <set>
#include <sstream>

namespace walbridge::task {
namespace {

const char *const id = "tables.rules";

using dialect::postgres::quote;

struct Findings {
    std::vector<std::string> errors, warnings;
    std::set<std::string> fixes;
};

/// A name that means nothing. What was dropped while a task ran is no reason to stop it, nor those that bring tables
/// for it.
void add_idle(const PrecheckContext &context, std::string what, Findings &found) {
    const bool goes_on = context.started || !context.config.sync_of.empty();
    (goes_on ? found.warnings : found.errors).push_back(std::move(what));
    found.fixes.insert("Correct [[objects.table]] in the task file (docs/filters.md).");
}

std::string shown(const pg::Result &rows, int row) {
    auto table = rows.text(row, 0) + "." + rows.text(row, 1);
    const auto item = rows.text(row, 2);
    if (item == "where") return fmt::format("where of {}: {}", table, rows.text(row, 4));
    if (item == "column") return fmt::format("column {} of {}: {}", rows.text(row, 3), table, rows.text(row, 4));
    return table;
}

/// Values that the WAL does not hold where an UPDATE leaves them as they are. `listed`: those that matter to the item.
/// An expression over several columns cannot be evaluated without them [decision 21]; of a row that comes into a
/// filter they have to be read from the source (pipeline/row_completion.hpp).
void judge_long_values(const std::string &item, const source::Table &table, const std::string &listed,
                       const std::string &subject, Findings &found) {
    std::istringstream numbers(listed);
    const auto *identity = source::identity_index(table);
    std::string names;
    for (int number = 0; numbers >> number;) {
        const bool held = identity != nullptr && std::ranges::count(identity->columns, number) != 0;
        const auto column = std::ranges::find(table.columns, number, &source::Column::number);
        if (!held && column != table.columns.end()) names += (names.empty() ? "" : ", ") + column->name;
    }
    if (names.empty()) return;
    if (item == "column")
        found.errors.push_back(
            fmt::format("{}: an UPDATE does not bring long values that it leaves as they are ({})", subject, names));
    else
        found.warnings.push_back(fmt::format("{}: a row that an UPDATE brings into the filter without touching a long "
                                             "value ({}) costs a query of its own, "
                                             "and the value is as the source has it by then",
                                             subject, names));
    found.fixes.insert(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", quote(table.name)));
}

/// What the plugin says of each table, filter and expression.
void examine(PrecheckContext &context, pg::Session &source, Findings &found) {
    std::map<QualifiedName, const source::Table *> selected;
    for (const auto &table : context.selected) selected.emplace(table.name, &table);
    const auto rows = source.query(
        "SELECT schema_name, table_name, item, column_name, expression, problem, \"position\", hint, "
        "pg_catalog.array_to_string(outside_identity, ', '), CASE WHEN schema_name IS NOT NULL THEN (SELECT "
        "pg_catalog.string_agg(a.attnum::text, ' ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid "
        "= pg_catalog.to_regclass(pg_catalog.format('%I.%I', schema_name, table_name)) AND a.attlen = -1 AND "
        "a.attstorage <> 'p' AND NOT a.attisdropped AND CASE item WHEN 'where' THEN true WHEN 'column' THEN "
        "pg_catalog.cardinality(uses) > 1 AND a.attname = ANY (uses) ELSE false END) END FROM "
        "walbridge.examine_rules($1) ORDER BY 1, 2, 3, 4",
        {wire::to_json(context.config.objects.rules)});
    for (int row = 0; row < rows.rows(); ++row) {
        if (rows.null(row, 1)) {
            add_idle(context, rows.text(row, 5), found);
            continue;
        }
        const auto table = selected.find({rows.text(row, 0), rows.text(row, 1)});
        if (table == selected.end()) continue;
        if (!rows.null(row, 5)) {
            found.errors.push_back(
                fmt::format("{}: {}{}", shown(rows, row), rows.text(row, 5),
                            rows.null(row, 6) ? "" : fmt::format(" (at character {})", rows.text(row, 6))));
            if (!rows.null(row, 7)) found.fixes.insert(rows.text(row, 7));
            continue;
        }
        if (!context.config.incremental_stage || table->second->replica_identity == 'f' || table->second->kind == 'p')
            continue;
        const auto followed = rule_of(context.config, table->first).operations.value_or(wire::Operations());
        if (const auto outside = rows.text(row, 8); !outside.empty() && (followed.update || followed.erase)) {
            found.errors.push_back(
                fmt::format("{}: the replica identity lacks {}, so an UPDATE or DELETE could not be judged",
                            shown(rows, row), outside));
            found.fixes.insert(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL;", quote(table->first)));
        } else if (followed.update) {
            judge_long_values(rows.text(row, 2), *table->second, rows.text(row, 9), shown(rows, row), found);
        }
    }
}

/// Names that meet on the target, and renames of columns that are not there.
void check_names(const PrecheckContext &context, const source::Table &table, const source::Shape &shape,
                 Findings &found) {
    std::map<std::string, std::string> taken;
    for (const auto &column : shape.columns)
        if (const auto [other, first] = taken.emplace(column.target, column.name); !first)
            found.errors.push_back(fmt::format("columns {} and {} of {} would both be {} on the target", other->second,
                                               column.name, to_string(table.name), column.target));
    for (const auto &[name, content] : shape.added)
        if (const auto other = taken.find(name); other != taken.end())
            found.errors.push_back(fmt::format("the added column {} of {} has the name of column {}", name,
                                               to_string(table.name), other->second));
    if (shape.columns.empty())
        found.errors.push_back(fmt::format("no column of {} is replicated", to_string(table.name)));
    if (!target::is_mysql(context.config)) return;
    const auto rule = rule_of(context.config, table.name);
    for (const auto &column : shape.columns)
        if (column.computed && column.own == nullptr && (!rule.types || !rule.types->contains(column.name)))
            found.errors.push_back(fmt::format("column {} of {} is computed, and nothing says its type on the target",
                                               column.name, to_string(table.name)));
}

/// Rows that are told apart on the source by a key whose values an expression makes equal.
void check_unique(pg::Session &source, const source::Table &table, const source::Shape &shape, Findings &found) {
    if (table.kind != 'r') return;
    for (const auto &index : table.indexes) {
        if (!index.unique || index.expressions || index.partial) continue;
        std::string list;
        bool computed = false, complete = true;
        for (const int number : index.columns) {
            const source::ShapedColumn *column = nullptr;
            for (const auto &one : shape.columns)
                if (one.own != nullptr && one.own->number == number) column = &one;
            if (column == nullptr) {
                complete = false;
                continue;
            }
            computed = computed || column->computed;
            list += (list.empty() ? "" : ", ") + column->sql;
        }
        if (!complete && index.primary)
            found.errors.push_back(fmt::format("a column of the primary key of {} is left out", to_string(table.name)));
        if (!computed || !complete) continue;
        try {
            source.execute("SET statement_timeout = '60s'");
            const auto twice =
                source.query(fmt::format("SELECT 1 FROM ONLY {}{} GROUP BY {} HAVING pg_catalog.count(*) > 1 LIMIT 1",
                                         quote(table.name), shape.where.empty() ? "" : " WHERE " + shape.where, list));
            if (twice.rows() != 0)
                found.errors.push_back(fmt::format("the expressions make values of the key {} of {} equal", index.name,
                                                   to_string(table.name)));
        } catch (const SqlError &error) {
            source.rollback_quietly();
            found.warnings.push_back(
                fmt::format("whether the expressions keep the key {} of {} unique could not be seen: {}", index.name,
                            to_string(table.name), error.reason()));
        }
        source.execute("SET statement_timeout = 0");
    }
}

/// Constraints and views that read what the target has otherwise.
void check_dependents(PrecheckContext &context, pg::Session &source, const source::Table &table,
                      const source::Shape &shape, Findings &found) {
    if (!context.config.schema_stage || target::is_mysql(context.config)) return;
    for (const auto *column : shape.left_out) {
        const auto views = source.query(
            "SELECT DISTINCT v.oid::regclass::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = "
            "d.objid JOIN pg_catalog.pg_class v ON v.oid = r.ev_class WHERE d.classid = "
            "'pg_catalog.pg_rewrite'::regclass "
            "AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2::int "
            "AND "
            "v.oid <> $1::oid",
            {std::to_string(table.oid), std::to_string(column->number)});
        for (int row = 0; row < views.rows(); ++row)
            found.errors.push_back(fmt::format("view {} reads column {} of {}, which is left out", views.text(row, 0),
                                               column->name, to_string(table.name)));
        const auto generated = source.query(
            "SELECT DISTINCT a.attname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid "
            "JOIN "
            "pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '' WHERE "
            "d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refobjid = $1::oid AND d.refobjsubid = $2::int AND "
            "a.attnum "
            "<> $2::int",
            {std::to_string(table.oid), std::to_string(column->number)});
        for (int row = 0; row < generated.rows(); ++row)
            if (const auto *reads = shape.find(generated.text(row, 0)); reads != nullptr && !reads->computed)
                found.errors.push_back(fmt::format("the generated column {} of {} reads column {}, which is left out",
                                                   reads->name, to_string(table.name), column->name));
    }
    if (std::ranges::none_of(shape.columns, &source::ShapedColumn::computed)) return;
    const auto checks = source.query(
        "SELECT k.conname, a.attname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = "
        "k.conrelid AND a.attnum = ANY (k.conkey) WHERE k.conrelid = $1::oid AND k.contype IN ('c', 'f')",
        {std::to_string(table.oid)});
    for (int row = 0; row < checks.rows(); ++row)
        if (const auto *column = shape.find(checks.text(row, 1)); column != nullptr && column->computed)
            found.warnings.push_back(fmt::format("constraint {} of {} holds for column {}, which has an expression",
                                                 checks.text(row, 0), to_string(table.name), column->name));
}

} // namespace

void check_rules(PrecheckContext &context, pg::Session &source) {
    const auto &config = context.config;
    if (!shapes_tables(config)) return context.ok(id, "every row and column is replicated as it is");
    if (!context.catalog_read) return context.skipped(id, "the source's tables could not be read");
    Findings found;
    if (!config.objects.rules.empty()) {
        if (source.value("SELECT pg_catalog.to_regprocedure('walbridge.examine_rules(text)')").value_or("").empty())
            return context.error(
                id, "the source's extension walbridge, which judges filters and expressions, is missing or old",
                "Install this release's extension on the source and run there: CREATE EXTENSION walbridge; "
                "(or DROP EXTENSION walbridge; CREATE EXTENSION walbridge; for an older one).");
        examine(context, source, found);
    }
    if (found.errors.empty()) {
        source::Shaper shaper(config, source);
        std::vector<std::pair<QualifiedName, std::vector<std::string>>> columns;
        for (const auto &table : context.selected) {
            auto &names = columns.emplace_back(table.name, std::vector<std::string>()).second;
            for (const auto &column : table.columns) names.push_back(column.name);
        }
        for (const auto &idle : config.names.idle_columns(columns))
            add_idle(context, "rename_columns has " + idle + ", which matches no column", found);
        for (const auto &table : context.selected) {
            const auto shape = shaper.shape(table);
            if (shape.plain()) continue;
            check_names(context, table, shape, found);
            check_unique(source, table, shape, found);
            check_dependents(context, source, table, shape, found);
        }
    }
    std::string fixes;
    for (const auto &fix : found.fixes) fixes += (fixes.empty() ? "" : " ") + fix;
    if (!found.errors.empty())
        return context.error(id, some_of(found.errors, 20),
                             fixes.empty() ? "Correct [[objects.table]] in the task file (docs/filters.md)." : fixes);
    if (!found.warnings.empty())
        return context.warning(id, some_of(found.warnings, 20),
                               fixes.empty() ? "Make sure that the target can hold what the expressions give." : fixes);
    context.ok(id, "filters, columns and expressions can be followed");
}

} // namespace walbridge::task
