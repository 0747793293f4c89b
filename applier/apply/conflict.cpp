// conflict.cpp: the decision table of conflict policies.
#include "apply/conflict.hpp"

namespace walbridge::apply {

std::string_view name_of(ConflictKind kind) {
    switch (kind) {
    case ConflictKind::insert_exists: return "insert_exists";
    case ConflictKind::update_exists: return "update_exists";
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

std::string_view name_of(ConflictPolicy policy) {
    switch (policy) {
    case ConflictPolicy::fail: return "fail";
    case ConflictPolicy::ignore: return "ignore";
    case ConflictPolicy::overwrite: return "overwrite";
    }
    return "";
}

Resolution decide(const TaskConfig::Conflict &settings, ConflictKind kind) {
    switch (kind) {
    case ConflictKind::insert_exists:
    case ConflictKind::update_exists:
        switch (settings.policy) {
        case ConflictPolicy::fail: return Resolution::stop;
        case ConflictPolicy::ignore: return Resolution::keep_target;
        case ConflictPolicy::overwrite: return Resolution::overwrite;
        }
        return Resolution::stop;
    case ConflictKind::update_missing:
        if (settings.update_missing == "insert") return Resolution::convert_to_insert;
        return settings.update_missing == "ignore" ? Resolution::keep_target : Resolution::stop;
    case ConflictKind::delete_missing:
        return settings.delete_missing == "fail" ? Resolution::stop : Resolution::keep_target;
    }
    return Resolution::stop;
}

} // namespace walbridge::apply
