// change_types.cpp: sequences, enums, composite types and domains.
#include "schema/compare/changes.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::schema::compare {
namespace {

using dialect::postgres::quote_literal;

constexpr const char *swap_note =
    "needs a decision: the type is made anew and its columns are rewritten; values that it does not have stop it";

std::string with_collation(const std::string &type, const std::string &collation) {
    return collation.empty() ? type : type + " COLLATE " + collation;
}

} // namespace

Change change_sequence(const std::string &name, const Sequence &target, const Sequence &source) {
    Change change;
    if (target.options != source.options) {
        change.reasons.push_back("it counts differently: " + target.options);
        change.statements.push_back(fmt::format("ALTER SEQUENCE {} {}", name, source.options));
    }
    if (target.owned_by != source.owned_by) {
        change.reasons.push_back("it is owned by " + target.owned_by);
        change.statements.push_back(fmt::format("ALTER SEQUENCE {} OWNED BY {}", name, source.owned_by));
    }
    if (target.persistence != source.persistence) {
        change.reasons.push_back(target.persistence == "u" ? "it is unlogged" : "it is logged");
        change.statements.push_back(
            fmt::format("ALTER SEQUENCE {} SET {}", name, source.persistence == "u" ? "UNLOGGED" : "LOGGED"));
    }
    return change;
}

Change change_enum(const std::string &name, const Enum &target, const Enum &source) {
    Change change;
    if (target.labels == source.labels) return change;
    change.reasons.push_back(
        fmt::format("its labels are {}, not {}", fmt::join(target.labels, ", "), fmt::join(source.labels, ", ")));
    // Labels can be added anywhere, never removed or moved: the target's have to be some of the source's, in their
    // order.
    std::size_t at = 0;
    for (std::size_t i = 0; i < source.labels.size(); ++i) {
        const auto &label = source.labels[i];
        if (at < target.labels.size() && target.labels[at] == label) {
            ++at;
            continue;
        }
        const auto place = i > 0                    ? " AFTER " + quote_literal(source.labels[i - 1])
                           : !target.labels.empty() ? " BEFORE " + quote_literal(target.labels.front())
                                                    : std::string();
        change.statements.push_back(fmt::format("ALTER TYPE {} ADD VALUE {}{}", name, quote_literal(label), place));
    }
    if (at == target.labels.size()) return change;
    change.statements.clear();
    change.swap = true;
    change.note = swap_note;
    return change;
}

Change change_composite(const std::string &name, const Composite &target, const Composite &source) {
    Change change;
    const auto find = [](const Composite &type, const std::string &attribute) {
        return std::ranges::find(type.attributes, attribute, &Column::name);
    };
    const auto alter = [&](const std::string &action) {
        change.statements.push_back(fmt::format("ALTER TYPE {} {}", name, action));
    };
    std::vector<std::string> kept;
    for (const auto &old : target.attributes) {
        if (find(source, old.name) != source.attributes.end()) {
            kept.push_back(old.name);
            continue;
        }
        change.reasons.push_back(fmt::format("attribute {} is not on the source", old.name));
        alter("DROP ATTRIBUTE " + old.name);
    }
    bool in_order = true;
    for (std::size_t i = 0; i < source.attributes.size(); ++i) {
        const auto &now = source.attributes[i];
        const auto old = find(target, now.name);
        if (old == target.attributes.end()) {
            change.reasons.push_back(fmt::format("attribute {} is missing", now.name));
            alter("ADD ATTRIBUTE " + now.name + " " + with_collation(now.type, now.collation));
            in_order = in_order && i >= kept.size();
        } else {
            in_order = in_order && i < kept.size() && kept[i] == now.name;
            if (old->type == now.type && old->collation == now.collation) continue;
            change.reasons.push_back(
                fmt::format("attribute {} is {}", now.name, with_collation(old->type, old->collation)));
            alter(fmt::format("ALTER ATTRIBUTE {} TYPE {}", now.name, with_collation(now.type, now.collation)));
            change.note = "needs a decision where columns use the type: PostgreSQL does not alter such an attribute";
        }
    }
    if (in_order) return change;
    if (change.reasons.empty()) change.reasons.emplace_back("its attributes stand in another order");
    change.statements.clear();
    change.swap = true;
    change.note = swap_note;
    return change;
}

Change change_domain(const std::string &name, const Domain &target, const Domain &source) {
    Change change;
    const auto alter = [&](const std::string &action) {
        change.statements.push_back(fmt::format("ALTER DOMAIN {} {}", name, action));
    };
    if (target.type != source.type || target.collation != source.collation) {
        change.reasons.push_back("its type is " + with_collation(target.type, target.collation));
        change.swap = true;
        change.note = swap_note;
        return change;
    }
    if (target.default_sql != source.default_sql) {
        change.reasons.push_back(target.default_sql.empty() ? "it has no default"
                                                            : "its default is " + target.default_sql);
        alter(source.default_sql.empty() ? "DROP DEFAULT" : "SET DEFAULT " + source.default_sql);
    }
    if (target.not_null != source.not_null) {
        change.reasons.emplace_back(target.not_null ? "it is NOT NULL" : "it may be null");
        alter(source.not_null ? "SET NOT NULL" : "DROP NOT NULL");
    }
    for (const auto &[constraint, definition] : target.constraints) {
        const auto now = source.constraints.find(constraint);
        if (now != source.constraints.end() && now->second == definition) continue;
        change.reasons.push_back(fmt::format("its constraint {} is {}", constraint, definition));
        alter("DROP CONSTRAINT " + constraint);
    }
    for (const auto &[constraint, definition] : source.constraints) {
        const auto old = target.constraints.find(constraint);
        if (old != target.constraints.end() && old->second == definition) continue;
        if (old == target.constraints.end())
            change.reasons.push_back(fmt::format("its constraint {} is missing", constraint));
        alter(fmt::format("ADD CONSTRAINT {} {}", constraint, definition));
    }
    return change;
}

} // namespace walbridge::schema::compare
