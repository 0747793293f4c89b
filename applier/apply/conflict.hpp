// conflict.hpp: kinds of conflicts by PostgreSQL's names, and the pure decision what a policy makes of one.
#pragma once

#include "config/task_config.hpp"

#include <string_view>

namespace walbridge::apply {

enum class ConflictKind {
    insert_exists,  ///< an INSERT met a row with the same value in a unique key
    update_exists,  ///< an UPDATE's new values met another row
    update_missing, ///< an UPDATE found no row
    delete_missing, ///< a DELETE found no row
};

enum class Resolution {
    stop,              ///< the task fails; nothing of the transaction is applied
    keep_target,       ///< the change is passed over
    overwrite,         ///< conflicting target rows go, the source's row stays
    convert_to_insert, ///< an UPDATE becomes an INSERT, which is judged again
};

[[nodiscard]] std::string_view name_of(ConflictKind kind);
[[nodiscard]] std::string_view name_of(Resolution resolution);
[[nodiscard]] std::string_view name_of(ConflictPolicy policy);

/// Decision 9: missing rows have settings of their own, everything else follows the policy. No I/O, no clock.
[[nodiscard]] Resolution decide(const TaskConfig::Conflict &settings, ConflictKind kind);

} // namespace walbridge::apply
