// change_rights.cpp: owners, grants and comments.
#include "schema/compare/changes.hpp"

#include "dialect/postgres.hpp"
#include "schema/compare/statements.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::schema::compare {
namespace {

bool is_routine(const std::string &kind) { return kind == "FUNCTION" || kind == "PROCEDURE" || kind == "AGGREGATE"; }
bool is_type(const std::string &kind) { return kind == "TYPE" || kind == "DOMAIN"; }

std::string target_of(const Key &key) {
    if (key.kind == "PROCEDURE" || key.kind == "SEQUENCE" || key.kind == "SCHEMA") return key.kind + " " + key.identity;
    if (is_routine(key.kind)) return "FUNCTION " + key.identity;
    if (is_type(key.kind)) return "TYPE " + key.identity;
    return "TABLE " + key.identity;
}

/// Of an object that has just been created. What the owner has by itself is taken as given.
std::set<Privilege> by_default(const Object &object) {
    std::set<Privilege> given;
    if (object.privileges.empty()) return given; // grants are not compared: an owner at least has some
    for (const auto &privilege : object.privileges)
        if (privilege.grantee.empty()) given.insert(privilege);
    if (is_routine(object.key.kind)) given.insert({"", "PUBLIC", "EXECUTE", false});
    if (is_type(object.key.kind)) given.insert({"", "PUBLIC", "USAGE", false});
    return given;
}

std::string owner_of(const Object &object) {
    constexpr std::string_view word = " OWNER TO ";
    const auto at = object.owner_statement.rfind(word);
    return at == std::string::npos ? std::string() : object.owner_statement.substr(at + word.size());
}

void change_privileges(const std::set<Privilege> &target, const Object &source, Change &change) {
    const auto on = target_of(source.key);
    const auto who = [&](const Privilege &privilege) {
        return privilege.grantee.empty() ? owner_of(source) : privilege.grantee;
    };
    const auto what = [](const Privilege &privilege) {
        return privilege.column.empty() ? privilege.privilege
                                        : fmt::format("{} ({})", privilege.privilege, privilege.column);
    };
    const auto other = [](Privilege privilege) {
        privilege.grantable = !privilege.grantable;
        return privilege;
    };
    for (const auto &privilege : target) {
        if (source.privileges.contains(privilege) || who(privilege).empty()) continue;
        const bool kept = source.privileges.contains(other(privilege));
        if (kept && !privilege.grantable) continue; // granted again with the option
        change.reasons.push_back(
            fmt::format("{} has {}{}", who(privilege), what(privilege), kept ? " WITH GRANT OPTION" : ""));
        change.statements.push_back(fmt::format("REVOKE {}{} ON {} FROM {}", kept ? "GRANT OPTION FOR " : "",
                                                what(privilege), on, who(privilege)));
    }
    for (const auto &privilege : source.privileges) {
        if (target.contains(privilege) || who(privilege).empty()) continue;
        if (!privilege.grantable && target.contains(other(privilege))) continue; // revoked above
        change.reasons.push_back(fmt::format("{} lacks {}", who(privilege), what(privilege)));
        change.statements.push_back(fmt::format("GRANT {} ON {} TO {}{}", what(privilege), on, who(privilege),
                                                privilege.grantable ? " WITH GRANT OPTION" : ""));
    }
}

} // namespace

Change change_rights(const Object *target, const Object &source, const std::set<std::string> &remade) {
    Change change;
    const auto lost = [&](const std::string &column) { return remade.contains(column); };
    auto privileges = target != nullptr ? target->privileges : by_default(source);
    if (!source.owner_statement.empty() && target != nullptr && owner_of(*target) != owner_of(source)) {
        change.reasons.push_back("its owner is " + (owner_of(*target).empty() ? "another" : owner_of(*target)));
        change.statements.push_back(source.owner_statement);
    }
    std::erase_if(privileges,
                  [&](const Privilege &privilege) { return !privilege.column.empty() && lost(privilege.column); });
    if (const auto *table = std::get_if<Table>(&source.shape)) // those of dropped columns went with them
        std::erase_if(privileges, [&](const Privilege &privilege) {
            return !privilege.column.empty() &&
                   std::ranges::find(table->columns, privilege.column, &Column::name) == table->columns.end();
        });
    change_privileges(privileges, source, change);

    static const std::map<std::string, std::string> none;
    const auto &before = target != nullptr ? target->comments : none;
    const auto on_lost_column = [&](const std::string &what) {
        return what.starts_with("COLUMN ") && lost(last_part(what));
    };
    for (const auto &[what, text] : source.comments) {
        const auto old = before.find(what);
        if (old != before.end() && old->second == text && !on_lost_column(what)) continue;
        change.reasons.push_back(fmt::format("the comment on {} differs", what));
        change.statements.push_back(fmt::format("COMMENT ON {} IS {}", what, dialect::postgres::quote_literal(text)));
    }
    for (const auto &[what, text] : before) {
        if (source.comments.contains(what) || on_lost_column(what)) continue;
        if (what.starts_with("COLUMN ")) { // of a column that is gone
            const auto *table = std::get_if<Table>(&source.shape);
            if (table != nullptr &&
                std::ranges::find(table->columns, last_part(what), &Column::name) == table->columns.end())
                continue;
            const auto *type = std::get_if<Composite>(&source.shape);
            if (type != nullptr &&
                std::ranges::find(type->attributes, last_part(what), &Column::name) == type->attributes.end())
                continue;
        }
        if (const auto *domain = std::get_if<Domain>(&source.shape);
            domain != nullptr && what.starts_with("CONSTRAINT ")) {
            constexpr std::size_t begin = std::string_view("CONSTRAINT ").size();
            if (!domain->constraints.contains(what.substr(begin, what.rfind(" ON DOMAIN ") - begin))) continue;
        }
        change.reasons.push_back(fmt::format("it has a comment on {}", what));
        change.statements.push_back(fmt::format("COMMENT ON {} IS NULL", what));
    }
    return change;
}

} // namespace walbridge::schema::compare
