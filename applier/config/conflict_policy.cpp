// conflict_policy.cpp: see conflict_policy.hpp.
#include "config/conflict_policy.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace walbridge {
namespace {

constexpr std::array<std::pair<ConflictPolicy, std::string_view>, 5> names{
    {{ConflictPolicy::fail, "fail"},
     {ConflictPolicy::ignore, "ignore"},
     {ConflictPolicy::overwrite, "overwrite"},
     {ConflictPolicy::last_update_wins, "last-update-wins"},
     {ConflictPolicy::first_update_wins, "first-update-wins"}}};

} // namespace

std::string_view name_of(ConflictPolicy policy) {
    for (const auto &[known, name] : names)
        if (known == policy) return name;
    return {};
}

ConflictPolicy parse_conflict_policy(std::string_view name) {
    for (const auto &[policy, known] : names)
        if (known == name) return policy;
    throw std::invalid_argument("no such conflict policy: " + std::string(name));
}

} // namespace walbridge
