// fixture.hpp: a captured statement in one line, a catalog of the target as a list, and a decision as text.
#pragma once

#include "ddl/decision.hpp"

#include <set>
#include <string>

namespace walbridge::ddl::testing {

/// What is on the target: "public.t" is a relation and a type, "public.f()" a routine, "public" a schema.
class Catalog : public TargetNames {
  public:
    explicit Catalog(std::set<std::string> names) : names_(std::move(names)) {}
    bool relation_exists(const QualifiedName &name) override;
    bool type_exists(const QualifiedName &name) override;
    bool routine_exists(const QualifiedName &name) override;
    bool schema_exists(const std::string &name) override;

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

    [[nodiscard]] Decision decide(const DdlStatement &statement) const;
};

/// The settings that the case files speak of.
[[nodiscard]] Setting setting_of(const std::string &name);

/// Adds what the capture said, separated by semicolons:
///   table app.t · index app.i on app.t · function app.f(integer) · type app.e · schema app    objects
///   -table app.t · ~view app.v · -index app.i · -temporary table pg_temp_3.t                  dropped: named, by
///   cascade before app.t · column a integer · missing app.t.a=5 · start · rewrite
///   gap · reason ... · tag ... · old literals (standard_conforming_strings = off)
void add_facts(DdlStatement &statement, const std::string &facts);

/// "class: command; command {flags}", "class: filtered: reason" or "class: refused: reason".
[[nodiscard]] std::string text_of(const Decision &decision);

[[nodiscard]] DdlStatement statement_of(std::string text, std::string search_path = "public",
                                        const std::string &facts = {});

} // namespace walbridge::ddl::testing
