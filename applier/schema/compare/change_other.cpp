// change_other.cpp: objects that are compared by the statements that create them.
#include "schema/compare/changes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::schema::compare {
namespace {

/// Whether CREATE OR REPLACE VIEW will do: the target's columns are the first of the source's.
bool extends(const View &target, const View &source) {
    if (target.columns.size() > source.columns.size()) return false;
    return std::equal(target.columns.begin(), target.columns.end(), source.columns.begin(),
                      [](const Column &a, const Column &b) {
                          return a.name == b.name && a.type == b.type && a.collation == b.collation;
                      });
}

bool replaceable(const Object &target, const Object &source) {
    if (const auto *view = std::get_if<View>(&source.shape)) {
        const auto *old = std::get_if<View>(&target.shape);
        return old != nullptr && extends(*old, *view);
    }
    if (const auto *routine = std::get_if<Routine>(&source.shape)) {
        const auto *old = std::get_if<Routine>(&target.shape);
        return old != nullptr && old->arguments == routine->arguments && old->result == routine->result &&
               old->defaults <= routine->defaults;
    }
    return source.key.kind == "AGGREGATE";
}

/// Of the columns of a view that both sides have.
void change_defaults(const std::string &name, const View &target, const View &source, Change &change) {
    for (const auto &now : source.columns) {
        const auto old = std::ranges::find(target.columns, now.name, &Column::name);
        const auto before = old == target.columns.end() ? std::string() : old->default_sql;
        if (before == now.default_sql) continue;
        change.reasons.push_back(
            fmt::format("column {} has {}", now.name, before.empty() ? "no default" : "the default " + before));
        change.statements.push_back(
            fmt::format("ALTER VIEW {} ALTER COLUMN {} {}", name, now.name,
                        now.default_sql.empty() ? "DROP DEFAULT" : "SET DEFAULT " + now.default_sql));
    }
}

std::string or_replace(const std::string &statement) {
    constexpr std::string_view create = "CREATE ";
    if (!statement.starts_with(create) || statement.starts_with("CREATE OR REPLACE ")) return statement;
    return "CREATE OR REPLACE " + statement.substr(create.size());
}

} // namespace

Change change_other(const Object &target, const Object &source) {
    Change change;
    if (const auto *index = std::get_if<Index>(&source.shape)) {
        const auto *old = std::get_if<Index>(&target.shape);
        if (old != nullptr && old->inherited && index->inherited) return change;
        if (old != nullptr && !old->valid && index->valid && target.statements == source.statements) {
            change.reasons.emplace_back("it is not valid");
            change.replace = true;
            return change;
        }
    }
    if (const auto *view = std::get_if<View>(&source.shape))
        if (const auto *old = std::get_if<View>(&target.shape); old != nullptr)
            change_defaults(source.key.identity, *old, *view, change);
    if (target.statements == source.statements) return change;
    if (const auto *constraint = std::get_if<Constraint>(&source.shape)) {
        const auto *old = std::get_if<Constraint>(&target.shape);
        if (old != nullptr && old->definition == constraint->definition + " NOT VALID") {
            change.reasons.emplace_back("it is not valid");
            change.statements.push_back(
                fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", constraint->table, constraint->name));
            return change;
        }
    }
    auto defaults = std::move(change.statements);
    change.statements.clear();
    change.reasons.emplace(change.reasons.begin(), "its definition differs");
    if (source.key.kind == "EXTENSION") {
        change.note = "needs a decision: it was created in another schema";
    }
    if (!replaceable(target, source)) {
        change.replace = true;
        return change;
    }
    for (std::size_t i = 0; i < source.statements.size(); ++i)
        change.statements.push_back(i == 0 ? or_replace(source.statements[i]) : source.statements[i]);
    change.statements.insert(change.statements.end(), defaults.begin(), defaults.end());
    return change;
}

} // namespace walbridge::schema::compare
