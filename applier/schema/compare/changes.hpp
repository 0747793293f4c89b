// changes.hpp: the statements that turn one object of the target into the source's, kind by kind, and what of it cannot
// be done in place. Pure functions.
#pragma once

#include "schema/compare/model.hpp"

#include <set>
#include <string>
#include <vector>

namespace walbridge::schema::compare {

/// How an object can follow.
struct Change {
    std::vector<std::string> reasons; ///< what differs, for people; empty = equal
    std::vector<std::string> statements;
    bool replace = false; ///< only by dropping and creating it
    bool swap = false;    ///< a type: only by a new one in its place, to which columns are moved
    std::string note;     ///< what an operator should decide or know
    std::set<std::string>
        retyped; ///< columns whose type changes: views, rules, triggers and policies on them must go meanwhile
    std::set<std::string> dropped; ///< columns that go, or go and come back: everything that uses them must, too

    [[nodiscard]] bool equal() const { return reasons.empty(); }
};

/// `moved`: quoted columns whose type is being replaced under its name: their text says equal and they change all the
/// same. `remade`: generated columns that go and come back because what they are made of changes.
[[nodiscard]] Change change_table(const Table &target, const Table &source, const std::set<std::string> &moved = {},
                                  const std::set<std::string> &remade = {});
[[nodiscard]] Change change_sequence(const std::string &name, const Sequence &target, const Sequence &source);
[[nodiscard]] Change change_enum(const std::string &name, const Enum &target, const Enum &source);
[[nodiscard]] Change change_composite(const std::string &name, const Composite &target, const Composite &source);
[[nodiscard]] Change change_domain(const std::string &name, const Domain &target, const Domain &source);
/// Of objects with their statements: views, routines, triggers, indexes, constraints and all the rest.
[[nodiscard]] Change change_other(const Object &target, const Object &source);

/// Grants and comments of an object that is on both sides (`target`) or has just been created (nullptr). `remade`:
/// columns whose comments and grants went with them.
[[nodiscard]] Change change_rights(const Object *target, const Object &source,
                                   const std::set<std::string> &remade = {});

/// What altering `source`'s parents on the target does to `child`: a type and NOT NULL reach the columns below.
void follow_parent(Table &child, const Table &parent_before, const Table &parent_after);

/// "SET (a = 'b')" and "RESET (c)" after `prefix`.
void change_options(const std::string &prefix, const std::map<std::string, std::string> &target,
                    const std::map<std::string, std::string> &source, std::vector<std::string> &statements);

} // namespace walbridge::schema::compare
