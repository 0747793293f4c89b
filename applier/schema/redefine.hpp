// redefine.hpp: brings an empty target table to a newer definition of the source's, when the source altered it during
// the copy.
#pragma once

#include "change/name_map.hpp"
#include "source/catalog.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace walbridge::schema {

/// Pure: the statements that turn `target`'s columns into `source`'s (matched by name); `table` is the target's name.
[[nodiscard]] std::vector<std::string> redefinition(const QualifiedName &table,
                                                    const std::vector<source::Column> &target,
                                                    const std::vector<source::Column> &source);

/// Runs the body as the owner of a table of the target where that is not the session's own role.
using RunAsOwner = std::function<void(std::uint32_t table, const std::function<void()> &body)>;

/// A CHECK constraint of a table itself (not inherited): pg_dump makes it together with the table.
struct CheckConstraint {
    std::string name, definition;
    friend bool operator==(const CheckConstraint &, const CheckConstraint &) = default;
};
[[nodiscard]] std::vector<CheckConstraint> read_checks(pg::Session &session, std::uint32_t table_oid);

/// Renames the table if it has another name on the source now (and if that means another name here), then alters its
/// columns and CHECK constraints. `old_name` is the source's. Through the caller's transaction; throws
/// Error(schema_stage) with the statement that failed.
void redefine(pg::Session &target, const QualifiedName &old_name, const source::Table &source,
              const std::vector<CheckConstraint> &checks, const NameMap &names, const RunAsOwner &as_owner);

} // namespace walbridge::schema
