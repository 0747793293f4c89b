// decision.hpp: what becomes of a captured DDL statement on a PostgreSQL target: the statements to execute in its
// place, or why there are none. Works on the parse tree, never on text.
#pragma once

#include "change/ddl_statement.hpp"
#include "change/name_map.hpp"
#include "ddl/columns.hpp"
#include "wire/object_selection.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace walbridge::ddl {

/// The classes of `ddl.classes`, by the name used there: table, index, sequence, view, materialized-view, function,
/// aggregate, operator, cast, type, trigger, rule, policy, statistics, comment, grant, schema, extension, other.
[[nodiscard]] const std::vector<std::string> &class_names();

/// How roles named in statements are treated (schema.owner, schema.grants, [roles]).
struct RoleRules {
    bool owners = true;                       ///< false: OWNER TO and AUTHORIZATION are left out
    bool grants = true;                       ///< false: GRANT, REVOKE and ALTER DEFAULT PRIVILEGES are left out
    std::map<std::string, std::string> names; ///< source role to target role; others keep their name
};

struct Rules {
    const wire::ObjectSelection *selection = nullptr;
    bool everything_selected = true; ///< objects outside of schemas and in any schema are replicated
    const NameMap *names = nullptr;
    std::set<std::string> classes; ///< that are replicated
    RoleRules roles;
    /// Whether DDL of this table (source name) is replicated at all: operations of a single table.
    std::function<bool(const QualifiedName &)> table_follows_ddl;
    ColumnRules columns;
};

/// Answers from the target's catalog at this point of the stream, in the open transaction. Names are the target's.
class TargetNames {
  public:
    virtual ~TargetNames() = default;
    /// Whether the schema holds a relation (table, view, index, sequence ...) of that name.
    virtual bool relation_exists(const QualifiedName &name) = 0;
    virtual bool type_exists(const QualifiedName &name) = 0;
    virtual bool routine_exists(const QualifiedName &name) = 0;
    virtual bool schema_exists(const std::string &name) = 0;
};

enum class Action {
    execute,
    filtered, ///< not selected, or its class is switched off: nothing to do, nothing to report
    refused,  ///< cannot be followed: the failure policy decides
};

struct Decision {
    Action action = Action::execute;
    std::string object_class;          ///< one of class_names()
    std::string reason, remedy;        ///< of filtered and refused
    std::vector<std::string> commands; ///< for the target, in order
    std::string search_path;           ///< to run them under (mapped)
    /// Must run outside of a transaction block (CREATE INDEX CONCURRENTLY ...): `commands` holds exactly one statement.
    bool own_transaction = false;
    /// May run functions of users while it is executed (defaults, checks, index expressions, USING, queries).
    bool evaluates_expressions = false;
    /// The relation that is renamed or moved: source names before and after.
    std::optional<QualifiedName> renamed_from, renamed_to;
    bool left_selection = false;               ///< the renamed table was selected and is not any more
    bool entered_selection = false;            ///< it was not selected and is now: it has to be copied
    std::vector<QualifiedName> created_tables; ///< source names of tables that begin to exist
};

/// Throws Error(internal) only; everything a statement can do wrong is an Action.
[[nodiscard]] Decision decide(const DdlStatement &statement, const Rules &rules, TargetNames &target);

} // namespace walbridge::ddl
