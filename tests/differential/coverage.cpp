// coverage.cpp: the list of what has to be reached.
#include "coverage.hpp"

#include <fmt/format.h>

namespace walbridge::differential {
namespace {

/// Values that are equal for their type only, and targets that tell fewer apart, cost some.
constexpr std::uint64_t needless_fallbacks_percent = 3;

const std::vector<std::string> required{
    "policy fail",
    "policy ignore",
    "policy overwrite",
    "update_missing fail",
    "update_missing ignore",
    "update_missing insert",
    "delete_missing fail",
    "delete_missing ignore",
    "conflict insert_exists, stopped",
    "conflict insert_exists, kept target",
    "conflict insert_exists, overwrote target",
    "conflict update_exists, stopped",
    "conflict update_exists, kept target",
    "conflict update_exists, overwrote target",
    "conflict update_missing, stopped",
    "conflict update_missing, kept target",
    "conflict update_missing, converted to insert",
    "conflict delete_missing, stopped",
    "conflict delete_missing, kept target",
    "stop conflict",
    "stop unidentified",
    "stop without a record", // a constraint that the server does not enforce in replica sessions
    "stop after a committed transaction",
    "lookup unique key",
    "lookup key",
    "lookup full row",
    "lookup none",
    "bulk: collapsed per key",
    "bulk: runs of operations",
    "not eligible for bulk",
    "bulk batch without fallback",
    "fallback with a conflict",
    "compared with the source",
    "compared with the source, bulk without fallback",
    "the source won",
    "key change",
    "same key in another form", // 1.0 and 1.00
    "swapped keys",
    "swapped deferrable keys",
    "unchanged value",
    "truncate",
    "null in a row",
    "old row in full",
    "row hit more than once",
    "text form",
    "binary form",
    "copied under a later snapshot",
    "copied in chunks",
    "another descriptor in one stream",
    "target column of its own",
    "other column order",
    "dropped column",
    "other type on the target",
    "partitioned target",
    "trigger that fires",
    "generated column",
    "identity column",
    "partial unique index",
    "unique index on an expression",
    "nulls not distinct",
    "exclusion constraint",
    "deferrable constraint",
    "weaker equality on the target",
    "domain over a domain as a key",
};

} // namespace

std::vector<std::string> Coverage::missing() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto &name : required)
        if (!counts_.contains(name)) names.push_back(name);
    return names;
}

std::string Coverage::too_often() const {
    const std::lock_guard lock(mutex_);
    const auto count = [&](const char *name) {
        const auto found = counts_.find(name);
        return found == counts_.end() ? 0 : found->second;
    };
    const auto needless = count("fallback without a conflict"), smooth = count("bulk batch without fallback");
    if (needless * 100 <= smooth * needless_fallbacks_percent) return {};
    return fmt::format("{} fallbacks without a conflict beside {} applications in bulk", needless, smooth);
}

std::string Coverage::describe() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto &[name, count] : counts_) text += fmt::format("{:>9}  {}\n", count, name);
    return text;
}

} // namespace walbridge::differential
