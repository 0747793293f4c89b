// constraint_names.cpp: every name is claimed by one constraint; who comes first has the name it wants.
#include "schema/mysql/constraint_names.hpp"

#include "dialect/mysql/quote.hpp"
#include "schema/mysql/text.hpp"

#include <set>

namespace walbridge::schema::mysql {
namespace {

using Owner = std::tuple<std::uint32_t, char, std::string>;

Owner owner_of(const SourceTable &table, const SourceConstraint &constraint) {
    return {table.oid, constraint.type, constraint.name};
}

class Claims {
  public:
    /// True when the name is the owner's afterwards, or was before.
    bool claim(const SourceTable &table, const Owner &owner, const std::string &name) {
        const auto [found, fresh] =
            taken_.emplace(std::tuple(std::get<1>(owner), table.target.schema, lower(name)), owner);
        return fresh || found->second == owner;
    }
    /// The wanted name, or one with the table's in front.
    std::string take(const SourceTable &table, const SourceConstraint &constraint) {
        const auto owner = owner_of(table, constraint);
        const auto &wanted = constraint.name;
        if (claim(table, owner, wanted)) return wanted;
        const auto longer = table.target.name + "_" + wanted;
        for (int number = 1;; ++number) {
            const auto suffix = number == 1 ? std::string() : "_" + std::to_string(number);
            auto name = cut(longer, dialect::mysql::longest_name - suffix.size()) + suffix;
            if (claim(table, owner, name)) return name;
        }
    }

  private:
    std::map<std::tuple<char, std::string, std::string>, Owner> taken_; ///< by kind, database and name
};

} // namespace

ConstraintNames constraint_names(const std::vector<SourceTable> &tables) {
    ConstraintNames names;
    Claims claims;
    for (const auto &table : tables)
        for (const auto &constraint : table.constraints)
            if (const auto owner = owner_of(table, constraint); table.kind == 'r' && !constraint.target_name.empty() &&
                                                                claims.claim(table, owner, constraint.target_name))
                names.emplace(owner, constraint.target_name);
    for (const auto &table : tables)
        for (const auto &constraint : table.constraints)
            if (const auto owner = owner_of(table, constraint); table.kind == 'r' && !names.contains(owner))
                names.emplace(owner, claims.take(table, constraint));
    return names;
}

void settle_names(const std::vector<SourceTable> &before, std::vector<SourceTable> &after) {
    const auto known = constraint_names(before);
    std::set<std::uint32_t> stay;
    for (const auto &table : after) stay.insert(table.oid);
    // What a table has that stays is taken even if it goes: it may go later than another comes.
    Claims claims;
    for (const auto &table : before)
        for (const auto &constraint : table.constraints)
            if (const auto found = known.find(owner_of(table, constraint));
                found != known.end() && stay.contains(table.oid))
                claims.claim(table, found->first, found->second);
    const auto record = [](SourceConstraint &constraint, const std::string &name) {
        constraint.target_name = name == constraint.name ? std::string() : name;
    };
    std::set<Owner> settled;
    for (auto &table : after)
        for (auto &constraint : table.constraints) {
            const auto owner = owner_of(table, constraint);
            const auto found = known.find(owner);
            // In another database its name may be another's.
            if (table.kind != 'r' || found == known.end() || !claims.claim(table, owner, found->second)) continue;
            record(constraint, found->second);
            settled.insert(owner);
        }
    if (before.empty()) { // kept for the first time: as constraint_names() names them
        const auto names = constraint_names(after);
        for (auto &table : after)
            for (auto &constraint : table.constraints)
                if (const auto found = names.find(owner_of(table, constraint)); found != names.end())
                    record(constraint, found->second);
        return;
    }
    for (auto &table : after)
        for (auto &constraint : table.constraints)
            if (table.kind == 'r' && !settled.contains(owner_of(table, constraint)))
                record(constraint, claims.take(table, constraint));
}

} // namespace walbridge::schema::mysql
