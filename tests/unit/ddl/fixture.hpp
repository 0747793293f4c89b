// fixture.hpp: a captured statement in one line, a catalog of the target as a list, and a decision as text.
#pragma once

#include "ddl/decision.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace walbridge::ddl::testing {

/// What is on the target: "public.t" is a relation and a type, "public.f()" a routine, "public" a schema.
class Catalog : public TargetNames {
  public:
    explicit Catalog(std::set<std::string> names) : names_(std::move(names)) {}
    bool relation_exists(const QualifiedName &name) override { return names_.contains(to_string(name)); }
    bool type_exists(const QualifiedName &name) override {
        static const std::set<std::string> built_in = {"text", "int4", "jsonb", "uuid", "numeric", "timestamptz"};
        if (name.schema == "pg_catalog") return built_in.contains(name.name);
        return names_.contains(to_string(name));
    }
    bool routine_exists(const QualifiedName &name) override {
        static const std::set<std::string> built_in = {"now", "lower", "nextval", "count"};
        if (name.schema == "pg_catalog") return built_in.contains(name.name);
        return names_.contains(to_string(name) + "()");
    }
    bool schema_exists(const std::string &name) override {
        if (names_.contains(name)) return true;
        return std::any_of(names_.begin(), names_.end(),
                           [&](const std::string &known) { return known.starts_with(name + "."); });
    }

  private:
    std::set<std::string> names_;
};

/// A task's rules with everything they point to.
struct Setting {
    NameMap names;
    wire::ObjectSelection selection;
    bool everything = true;
    std::set<std::string> classes{class_names().begin(), class_names().end()};
    RoleRules roles;
    std::set<std::string> catalog;

    [[nodiscard]] Decision decide(const DdlStatement &statement) const {
        Rules rules;
        rules.selection = &selection;
        rules.everything_selected = everything;
        rules.names = &names;
        rules.classes = classes;
        rules.roles = roles;
        Catalog target(catalog);
        return ddl::decide(statement, rules, target);
    }
};

/// "command; command", or "filtered: reason", or "refused: reason".
inline std::string text_of(const Decision &decision) {
    if (decision.action == Action::filtered) return "filtered: " + decision.reason;
    if (decision.action == Action::refused) return "refused: " + decision.reason;
    std::string text;
    for (const std::string &command : decision.commands) text += (text.empty() ? "" : "; ") + command;
    return text;
}

} // namespace walbridge::ddl::testing
