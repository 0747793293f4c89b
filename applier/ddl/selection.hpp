// selection.hpp: whether an object of the source is replicated. Tables are judged by their name, what belongs to a
// table by that table, everything else by its schema, which has to be selected as a whole.
#pragma once

#include "ddl/decision.hpp"
#include "ddl/resolver.hpp"
#include "ddl/subjects.hpp"

namespace walbridge::ddl {

class Selection {
  public:
    explicit Selection(const Rules &rules) : rules_(rules) {}

    /// A table or partition. Its DDL may be switched off by itself.
    [[nodiscard]] bool table(const QualifiedName &name) const;
    /// Every object of the schema.
    [[nodiscard]] bool schema(const std::string &name) const;
    /// Some object of the schema may be selected.
    [[nodiscard]] bool touches(const std::string &schema) const;
    /// A view, function, type ...: its schema is selected and no pattern leaves it out by name.
    [[nodiscard]] bool member(const QualifiedName &name) const;
    /// Objects outside of schemas.
    [[nodiscard]] bool everything() const { return rules_.everything_selected; }
    [[nodiscard]] bool subject(const Subject &subject, const std::optional<QualifiedName> &source,
                               Resolver &resolver) const;

  private:
    const Rules &rules_;
};

} // namespace walbridge::ddl
