// conflict.cpp: the decision table of conflict policies.
#include "apply/conflict.hpp"

#include <algorithm>

namespace walbridge::apply {
namespace {

/// Whether the change wins against a row by the times of their commits.
bool wins(const TaskConfig::Conflict &settings, ConflictPolicy policy, SourceTime change,
          const std::optional<SourceTime> &row) {
    const bool younger_wins = policy == ConflictPolicy::last_update_wins;
    if (!row) return younger_wins;
    if (*row == change) return settings.tie == "source";
    return (change > *row) == younger_wins;
}

} // namespace

std::string_view name_of(ConflictKind kind) {
    switch (kind) {
    case ConflictKind::insert_exists: return "insert_exists";
    case ConflictKind::update_exists: return "update_exists";
    case ConflictKind::multiple_unique_conflicts: return "multiple_unique_conflicts";
    case ConflictKind::update_origin_differs: return "update_origin_differs";
    case ConflictKind::delete_origin_differs: return "delete_origin_differs";
    case ConflictKind::update_missing: return "update_missing";
    case ConflictKind::delete_missing: return "delete_missing";
    }
    return "";
}

std::string_view name_of(Resolution resolution) {
    switch (resolution) {
    case Resolution::stop: return "stopped";
    case Resolution::keep_target: return "kept target";
    case Resolution::overwrite: return "overwrote target";
    case Resolution::convert_to_insert: return "converted to insert";
    }
    return "";
}

ConflictPolicy policy_of(const TaskConfig::Conflict &settings, const QualifiedName &table, ConflictKind kind) {
    if (const auto own = settings.by_table.find(table); own != settings.by_table.end()) return own->second;
    const auto of_kind = settings.by_kind.find(std::string(name_of(kind)));
    return of_kind == settings.by_kind.end() ? settings.policy : of_kind->second;
}

Resolution decide(const TaskConfig::Conflict &settings, const QualifiedName &table, ConflictKind kind,
                  SourceTime change, RowTimes rows) {
    if (kind == ConflictKind::update_missing) {
        if (settings.update_missing == "insert") return Resolution::convert_to_insert;
        return settings.update_missing == "ignore" ? Resolution::keep_target : Resolution::stop;
    }
    if (kind == ConflictKind::delete_missing)
        return settings.delete_missing == "fail" ? Resolution::stop : Resolution::keep_target;
    const auto policy = policy_of(settings, table, kind);
    switch (policy) {
    case ConflictPolicy::fail: return Resolution::stop;
    case ConflictPolicy::ignore: return Resolution::keep_target;
    case ConflictPolicy::overwrite: return Resolution::overwrite;
    case ConflictPolicy::last_update_wins:
    case ConflictPolicy::first_update_wins:
        return std::ranges::all_of(rows, [&](const auto &row) { return wins(settings, policy, change, row); })
                   ? Resolution::overwrite
                   : Resolution::keep_target;
    }
    return Resolution::stop;
}

} // namespace walbridge::apply
