// conflict.hpp: kinds of conflicts by PostgreSQL's names, and the pure decision what a policy makes of one.
#pragma once

#include "change/change.hpp"
#include "config/task_config.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace walbridge::apply {

enum class ConflictKind {
    insert_exists,             ///< an INSERT met a row with the same value in a unique key
    update_exists,             ///< an UPDATE's new values met another row
    multiple_unique_conflicts, ///< an INSERT or UPDATE met several rows
    update_origin_differs,     ///< an UPDATE's row was last written by somebody else than the task
    delete_origin_differs,     ///< the same of a DELETE
    update_missing,            ///< an UPDATE found no row
    delete_missing,            ///< a DELETE found no row
};

enum class Resolution {
    stop,              ///< the task fails; nothing of the transaction is applied
    keep_target,       ///< the change is passed over
    overwrite,         ///< conflicting target rows go, the source's row stays
    convert_to_insert, ///< an UPDATE becomes an INSERT, which is judged again
};

[[nodiscard]] std::string_view name_of(ConflictKind kind);
[[nodiscard]] std::string_view name_of(Resolution resolution);

/// The policy for a kind of conflict in a table (the source's name): the table's own, else the kind's, else the
/// general one.
[[nodiscard]] ConflictPolicy policy_of(const TaskConfig::Conflict &settings, const QualifiedName &table,
                                       ConflictKind kind);

/// When rows of the target were last committed; nullopt = the server does not know any more, which is older than all
/// (decision 10).
using RowTimes = std::span<const std::optional<SourceTime>>;

/// What becomes of a change that was committed at `change` and met rows of those times. Decision 9: missing rows have
/// settings of their own, everything else follows the policy; by time, a change has to win against every row it met. No
/// I/O, no clock.
[[nodiscard]] Resolution decide(const TaskConfig::Conflict &settings, const QualifiedName &table, ConflictKind kind,
                                SourceTime change = 0, RowTimes rows = {});

} // namespace walbridge::apply
