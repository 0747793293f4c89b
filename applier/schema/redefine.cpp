// redefine.cpp: the table is empty, so a column whose kind changes is dropped and added again.
#include "schema/redefine.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "schema/column_sql.hpp"
#include "schema/names.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::schema {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using source::Column;

const Column *find(const std::vector<Column> &columns, const std::string &name) {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column &c) { return c.name == name; });
    return found == columns.end() ? nullptr : &*found;
}

std::string identity_sql(const Column &column) {
    return fmt::format("GENERATED {} AS IDENTITY", column.identity == 'a' ? "ALWAYS" : "BY DEFAULT");
}

std::string definition(const Column &column) {
    return column_sql(quote_identifier(column.name), column, identity_sql(column));
}

bool same_storage(const Column &a, const Column &b) {
    return a.type == b.type && a.collation == b.collation && a.generated == b.generated &&
           (a.generated == '\0' || a.default_sql == b.default_sql);
}

} // namespace

std::vector<std::string> redefinition(const QualifiedName &table, const std::vector<Column> &target,
                                      const std::vector<Column> &source) {
    std::vector<std::string> statements;
    const auto alter = [&](const std::string &action) {
        statements.push_back(fmt::format("ALTER TABLE {} {}", quote(table), action));
    };
    for (const auto &old : target) {
        const auto *now = find(source, old.name);
        if (now == nullptr || !same_storage(old, *now)) alter("DROP COLUMN " + quote_identifier(old.name));
    }
    for (const auto &now : source) {
        const auto *old = find(target, now.name);
        const auto column = "ALTER COLUMN " + quote_identifier(now.name);
        if (old == nullptr || !same_storage(*old, now)) {
            alter("ADD COLUMN " + definition(now));
            continue;
        }
        if (old->identity != now.identity) {
            if (old->identity != '\0') alter(column + " DROP IDENTITY");
            if (now.identity != '\0') {
                if (!old->default_sql.empty()) alter(column + " DROP DEFAULT");
                if (!old->not_null) alter(column + " SET NOT NULL");
                alter(column + " ADD " + identity_sql(now));
            }
        }
        if (now.identity == '\0' && now.generated == '\0' && old->default_sql != now.default_sql)
            alter(column + (now.default_sql.empty() ? " DROP DEFAULT" : " SET DEFAULT " + now.default_sql));
        if (old->not_null != now.not_null && now.identity == '\0')
            alter(column + (now.not_null ? " SET NOT NULL" : " DROP NOT NULL"));
    }
    return statements;
}

std::vector<CheckConstraint> read_checks(pg::Session &session, std::uint32_t table_oid) {
    const auto rows =
        session.query("SELECT conname, pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint "
                      "WHERE conrelid = $1::oid AND contype = 'c' AND conislocal ORDER BY conname",
                      {std::to_string(table_oid)});
    std::vector<CheckConstraint> checks;
    for (int row = 0; row < rows.rows(); ++row) checks.push_back({rows.text(row, 0), rows.text(row, 1)});
    return checks;
}

void redefine(pg::Session &target, const QualifiedName &old_source_name, const source::Table &source,
              const std::vector<CheckConstraint> &checks, const NameMap &names, const RunAsOwner &as_owner) {
    const auto old_name = names.table(old_source_name), name = names.table(source.name);
    const auto object = names.describe(source.name);
    const auto run = [&](const std::string &statement) {
        try {
            target.execute(statement);
            log::info("target table follows the source's new definition", {{"statement", statement}});
        } catch (const SqlError &error) {
            if (source::transient(error)) throw;
            throw Error(
                ErrorKind::schema_stage, object,
                fmt::format(
                    "the source altered the table during the copy, and the target cannot follow: {}; statement: {}",
                    error.reason(), statement),
                "Give the target's table the source's present definition (and what it needs), then run the task "
                "again.");
        }
    };
    if (old_name.schema != name.schema)
        run(fmt::format("ALTER TABLE {} SET SCHEMA {}", quote(old_name), quote_identifier(name.schema)));
    if (old_name.name != name.name)
        run(fmt::format("ALTER TABLE {} RENAME TO {}", quote(QualifiedName{name.schema, old_name.name}),
                        quote_identifier(name.name)));
    const auto oid = target.value("SELECT pg_catalog.to_regclass($1)::oid", {quote(name)});
    auto table = oid ? source::read_table(target, static_cast<std::uint32_t>(std::stoul(*oid))) : std::nullopt;
    if (!table)
        throw Error(ErrorKind::target_shape, object, "the table is missing on the target",
                    "Create it as it is on the source, then run the task again.");
    source::read_defaults(target, *table);
    auto here = table->columns, wanted = source.columns;
    if (!names.empty()) {
        for (auto &column : here) column = column_on_target(std::move(column), {});
        for (auto &column : wanted) column = column_on_target(std::move(column), names);
    }
    // A default may be evaluated though there is no row.
    as_owner(table->oid, [&] {
        for (const auto &statement : redefinition(name, here, wanted)) run(statement);
        const auto there = read_checks(target, table->oid);
        for (const auto &check : there)
            if (std::ranges::find(checks, check) == checks.end())
                run(fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", quote(name), quote_identifier(check.name)));
        for (const auto &check : checks)
            if (std::ranges::find(there, check) == there.end())
                run(fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", quote(name), quote_identifier(check.name),
                                check.definition));
    });
}

} // namespace walbridge::schema
