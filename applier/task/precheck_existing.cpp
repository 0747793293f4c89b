// precheck_existing.cpp: tables that the target has before the task, where it goes on with them (objects.existing =
// "proceed"): what both sides have in common, and what will not be replicated [O-09].
#include "config/existing_tables.hpp"
#include "dialect/postgres.hpp"
#include "source/common_columns.hpp"
#include "task/precheck_checks.hpp"

#include <fmt/format.h>
#include <functional>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

constexpr const char *id = "tables.existing";

/// A key's columns by their names on the target, in any order.
using KeyColumns = std::set<std::string>;

/// Those that tell all rows apart: over an expression or a part of the rows none does.
std::set<KeyColumns> keys_of(const source::Table &table, const std::function<std::string(const std::string &)> &name) {
    std::set<KeyColumns> keys;
    for (const auto &index : table.indexes) {
        if (!index.unique || index.partial || index.expressions) continue;
        KeyColumns columns;
        for (const auto number : index.columns)
            if (const auto *column = table.column(number)) columns.insert(name(column->name));
        keys.insert(std::move(columns));
    }
    return keys;
}

std::string written(const KeyColumns &key) {
    return "(" + source::listed(std::vector<std::string>(key.begin(), key.end())) + ")";
}

class Comparison {
  public:
    Comparison(const source::Shape &shape, const source::Table &here, const source::Table &there)
        : shape_(shape), here_(here), there_(there), common_(source::common_columns(shape, there)) {
        if (!common_.left_out.empty())
            add("only on the source and not replicated: " + source::listed(common_.left_out));
        if (!common_.only_there.empty()) add("only on the target: " + source::listed(common_.only_there));
        compare_columns();
        compare_keys();
    }

    /// "; "-separated; empty = the same columns and keys.
    [[nodiscard]] const std::string &differences() const { return differences_; }

    /// What makes it impossible, with its remedy; nullopt = it can be replicated.
    [[nodiscard]] std::optional<std::pair<std::string, std::string>> objection() const {
        const auto table = quote(there_.name);
        if (common_.names.empty() && !here_.columns.empty())
            return std::pair{std::string("the two sides have no column in common"),
                             std::string("Give the target's table the source's columns, or leave it out with "
                                         "objects.exclude.")};
        std::string unfilled, mending;
        for (const auto &column : there_.columns) {
            const bool ours = std::ranges::find(common_.only_there, column.name) == common_.only_there.end();
            if (ours || !column.not_null || !column.default_sql.empty() || column.identity != '\0') continue;
            unfilled += (unfilled.empty() ? "" : ", ") + column.name;
            mending += fmt::format("{}ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;", mending.empty() ? "" : " ", table,
                                   quote_identifier(column.name));
        }
        if (!unfilled.empty())
            return std::pair{"columns of the target are NOT NULL without a default, and no row of the source has a "
                             "value for them: " +
                                 unfilled,
                             mending};
        if (const auto *identity = source::identity_index(here_); identity != nullptr)
            for (const auto number : identity->columns)
                if (const auto *column = here_.column(number);
                    column != nullptr && std::ranges::find(common_.left_out, column->name) != common_.left_out.end())
                    return std::pair{
                        fmt::format("column {} of the key by which the source names its rows is not on the "
                                    "target, or computed there",
                                    column->name),
                        fmt::format("ALTER TABLE {} ADD COLUMN {} {};", table,
                                    quote_identifier(name_there(column->name)), column->type)};
        return std::nullopt;
    }

  private:
    [[nodiscard]] std::string name_there(const std::string &name) const {
        const auto *column = shape_.find(name);
        return column == nullptr ? name : column->target;
    }

    void add(const std::string &text) { differences_ += (differences_.empty() ? "" : "; ") + text; }

    void compare_columns() {
        std::vector<std::string> types, required;
        for (const auto &column : shape_.columns) {
            if (std::ranges::find(common_.names, column.name) == common_.names.end()) continue;
            const auto other = std::ranges::find(there_.columns, column.target, &source::Column::name);
            if (other->type != column.type)
                types.push_back(fmt::format("{} ({}, there {})", column.name, column.type, other->type));
            if (other->not_null && (column.computed || !column.own->not_null)) required.push_back(column.name);
        }
        if (!types.empty()) add("other types, values are converted by their text: " + some_of(types, 20));
        if (!required.empty()) add("NOT NULL on the target only: " + some_of(required, 20));
    }

    void compare_keys() {
        const auto ours = keys_of(here_, [&](const auto &name) { return name_there(name); });
        const auto theirs = keys_of(there_, [](const auto &name) { return name; });
        std::vector<std::string> missing, more;
        for (const auto &key : ours)
            if (!theirs.contains(key)) missing.push_back(written(key));
        for (const auto &key : theirs)
            if (!ours.contains(key)) more.push_back(written(key));
        if (!missing.empty()) add("unique keys that the target lacks and does not get: " + some_of(missing, 20));
        if (!more.empty()) add("unique keys that only the target has: " + some_of(more, 20));
    }

    const source::Shape &shape_;
    const source::Table &here_, &there_;
    const source::CommonColumns common_;
    std::string differences_;
};

bool holds_rows(pg::Session &target, const source::Table &table) {
    return target
        .query(fmt::format("SELECT EXISTS (SELECT FROM {}{})", table.kind == 'p' ? "" : "ONLY ", quote(table.name)))
        .flag(0, 0);
}

void look_at(PrecheckContext &context, pg::Session &target) {
    std::map<QualifiedName, source::Table> there;
    for (auto &table : source::read_tables(target, source::Unlogged::bring)) there.emplace(table.name, table);
    std::optional<source::Shaper> shaper;
    if (context.source) shaper.emplace(context.config, *context.source);
    std::vector<std::string> alike;
    std::size_t filled = 0;
    const auto rows_are = overwrites_existing_rows(context.config) ? "replaced where the source has their key" : "kept";
    for (const auto &table : context.selected) {
        const auto found = there.find(context.there(table));
        if (found == there.end()) continue;
        source::read_defaults(target, found->second);
        const auto shape = shaper ? shaper->shape(table) : source::as_it_is(table, context.config.names);
        const Comparison comparison(shape, table, found->second);
        const auto name = describe_pair(table.name, found->first);
        if (const auto objection = comparison.objection()) {
            context.error(id, fmt::format("{}: {}", name, objection->first), objection->second);
            continue;
        }
        const bool rows = context.config.full_stage && table.kind == 'r' && holds_rows(target, found->second);
        filled += rows ? 1 : 0;
        if (comparison.differences().empty())
            alike.push_back(name);
        else
            context.warning(id, fmt::format("{}{}: {}", name, rows ? " (holds rows)" : "", comparison.differences()),
                            "Give both sides the same definition, or accept the difference: the table is left as it "
                            "is, and columns that both sides have are replicated.");
    }
    if (filled > 0 && !target
                           .query("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), "
                                  "'TEMPORARY')")
                           .flag(0, 0))
        context.error(id,
                      "rows are brought to tables that hold some through temporary tables, which the role may not "
                      "create",
                      fmt::format("GRANT TEMPORARY ON DATABASE {} TO {};", quote_identifier(PQdb(target.raw())),
                                  quote_identifier(target.value("SELECT current_user").value_or(""))));
    context.ok(id, alike.empty() && filled == 0
                       ? std::string("no other selected table exists on the target with the source's columns and keys")
                       : fmt::format("{} tables exist on the target with the source's columns and keys and are left as "
                                     "they are{}; {} hold rows, which are {}",
                                     alike.size(), alike.empty() ? "" : ": " + some_of(alike), filled, rows_are));
}

} // namespace

bool check_policy_of_existing(PrecheckContext &context) {
    const auto &config = context.config;
    if (!proceeds_with_existing(config)) return false;
    if (config.incremental_stage && !config.given.contains("conflict.policy"))
        context.error(
            id,
            "objects.existing is \"proceed\" and the task file says nothing about conflicts: the default stops "
            "at the first change of a row that is not as the source knows it",
            "Write conflict.policy = \"overwrite\" (the source's rows win), or another policy that you choose.");
    return !context.started;
}

void check_existing(PrecheckContext &context) {
    if (!check_policy_of_existing(context)) return;
    if (!context.catalog_read) return context.skipped(id, "the source's tables could not be read");
    context.run(id, context.target, [&](pg::Session &session) { look_at(context, session); });
}

} // namespace walbridge::task
