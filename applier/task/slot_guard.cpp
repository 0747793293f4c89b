// slot_guard.cpp: thresholds of retained WAL and the words of the verdict.
#include "task/slot_guard.hpp"

#include "task/figures.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {

std::uint64_t warning_bytes(const TaskConfig::Slot &settings) {
    if (settings.retained_limit == 0 || settings.retained_warning == 0) return settings.retained_warning;
    return std::min(settings.retained_warning, settings.retained_limit / 10 * 8);
}

bool must_drop(const TaskConfig::Slot &settings, const SlotStatus &slot) {
    return settings.on_limit == "drop" && settings.retained_limit != 0 && slot.retained_bytes &&
           *slot.retained_bytes > 0 && static_cast<std::uint64_t>(*slot.retained_bytes) > settings.retained_limit;
}

std::optional<double> room_left(const SlotStatus &slot) {
    if (slot.wal_status == "unreserved" || slot.wal_status == "lost") return 0;
    if (!slot.safe_wal_size || !slot.retained_bytes) return std::nullopt;
    const auto left = static_cast<double>(std::max<std::int64_t>(0, *slot.safe_wal_size));
    const auto retained = static_cast<double>(std::max<std::int64_t>(0, *slot.retained_bytes));
    return left + retained == 0 ? 0 : left / (left + retained);
}

namespace {

constexpr const char *way_on = "What was committed on the source since cannot be streamed any more. Find out what kept "
                               "the task behind, then start over: walbridge reset --truncate, and walbridge run.";

} // namespace

Error untold_limit_error(const TaskConfig &config) {
    return {
        ErrorKind::slot_limit, fmt::format("slot {}", config.slot_name()),
        "it retained more WAL on the source than slot.retained_limit and was dropped, while the target could not be "
        "reached",
        way_on};
}

Error limit_error(const TaskConfig &config, std::int64_t retained, const std::string &failure) {
    const auto limit = human_bytes(static_cast<double>(config.slot.retained_limit));
    return {ErrorKind::slot_limit, fmt::format("slot {}", config.slot_name()),
            fmt::format("it retained {} of WAL on the source, more than slot.retained_limit ({}), {}",
                        human_bytes(static_cast<double>(retained)), limit,
                        failure.empty() ? "and was dropped" : "and could not be dropped: " + failure),
            fmt::format("{}{}",
                        failure.empty()
                            ? ""
                            : fmt::format("It still retains WAL; drop it: SELECT pg_drop_replication_slot('{}'); ",
                                          config.slot_name()),
                        way_on)};
}

} // namespace walbridge::task
