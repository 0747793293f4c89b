// resolver.hpp: which object of the source a name in a statement means, and what that object is called on the target.
// The capture says it of the objects that the statement touched; every other unqualified name is looked up along the
// statement's search_path in the target's catalog, through the name map.
#pragma once

#include "change/ddl_statement.hpp"
#include "change/name_map.hpp"
#include "ddl/decision.hpp"
#include "ddl/subjects.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::ddl {

class Resolver {
  public:
    Resolver(const DdlStatement &statement, const Rules &rules, TargetNames &target);

    /// The source name of an object of the statement. Nothing: unknown.
    [[nodiscard]] std::optional<QualifiedName> subject(const Subject &subject);
    /// The statement renames its object to `new_name`, or moves it to another schema (empty): the capture knows the
    /// object by what it is called afterwards.
    void before_move(const std::string &new_name);
    /// The source name of something that a statement refers to.
    [[nodiscard]] std::optional<QualifiedName> reference(NameKind kind, const QualifiedName &written);
    /// The name on the target of an object of the source. Indexes and sequences live where their table does.
    [[nodiscard]] QualifiedName on_target(NameKind kind, const QualifiedName &source);
    /// Whether the target finds the object under the unqualified name, running under `search_path()`.
    [[nodiscard]] bool found_unqualified(const Subject &subject, const QualifiedName &source);
    /// The table that an index, a sequence, a trigger ... belongs to, as far as the capture says it.
    [[nodiscard]] std::optional<QualifiedName> table_of(const QualifiedName &object) const;
    /// The type that the capture gives for a relation (table, view, index ...); empty when it does not name it.
    [[nodiscard]] std::string captured_type(const QualifiedName &relation) const;

    /// Asked for owners that the capture does not name.
    void set_owners(std::function<std::optional<QualifiedName>(const QualifiedName &)> owners) {
        owners_ = std::move(owners);
    }

    /// The setting for the target.
    [[nodiscard]] const std::string &search_path() const { return search_path_; }
    /// Whether a relation of that name is on the target.
    [[nodiscard]] bool exists(NameKind kind, const QualifiedName &target_name);
    /// The schema of the source that a new object without one goes to.
    [[nodiscard]] std::string creation_schema();

  private:
    [[nodiscard]] std::optional<std::string> captured_schema(const Subject &subject, const std::string &name) const;
    /// Some table of the source is called so on the target by an entry of its own. Looks through them: a set would have
    /// to be made for every statement.
    [[nodiscard]] bool given(const QualifiedName &target) const;
    /// Another table of the source has been given this name on the target.
    [[nodiscard]] bool taken_by_another(const QualifiedName &source, const QualifiedName &target) const;

    const DdlStatement &statement_;
    std::optional<QualifiedName> before_;
    std::optional<std::string> renamed_in_; ///< the schema that a renamed object is in
    bool moved_ = false;
    const NameMap &names_;
    TargetNames &target_;
    std::vector<std::string> path_; ///< source schemas, pg_temp left out
    std::string search_path_;
    std::function<std::optional<QualifiedName>(const QualifiedName &)> owners_;
};

} // namespace walbridge::ddl
