// drift_check.cpp: looks twice, the second time behind everything that was on its way at the first.
#include "task/drift_check.hpp"

#include "base/log.hpp"
#include "base/lsn.hpp"
#include "schema/compare/report.hpp"
#include "task/schema_diff.hpp"

#include <algorithm>
#include <chrono>
#include <set>

namespace walbridge::task {
namespace {

using schema::compare::Difference;
using namespace std::chrono_literals;

constexpr std::size_t objects_logged = 20;
/// Without heartbeats an idle source moves no position: being caught up for this long will do.
constexpr auto quiet = 15s;

std::uint64_t written(const TaskConfig &config) {
    pg::Session source(config.source.endpoint,
                       {.application_name = config.application_name("compare"), .replication = false, .settings = {}});
    return parse_lsn(source.value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value()).value().value;
}

} // namespace

std::vector<Difference> lasting(const std::vector<Difference> &first, const std::vector<Difference> &second) {
    std::vector<Difference> both;
    for (const auto &difference : second)
        if (std::ranges::any_of(first, [&](const Difference &other) {
                return other.object == difference.object && other.statements == difference.statements;
            }))
            both.push_back(difference);
    return both;
}

DriftCheck::DriftCheck(const TaskConfig &config, Live &live)
    : config_(config), live_(live), thread_([this] { work(); }) {}

DriftCheck::~DriftCheck() {
    end_.request();
    thread_.join();
}

void DriftCheck::work() {
    try {
        if (!wait_until_caught_up()) return;
        auto differences = schema_differences(config_, end_);
        if (!differences.empty()) {
            if (!wait_until_applied(written(config_))) return;
            differences = lasting(differences, schema_differences(config_, end_));
        }
        report(differences);
    } catch (const std::exception &error) {
        if (end_.requested()) return;
        log::warning("the definitions of source and target could not be compared", {{"reason", error.what()}});
    }
}

bool DriftCheck::wait_until_caught_up() {
    while (!live_.statistics.connected || !live_.statistics.caught_up)
        if (end_.wait_for(200ms)) return false;
    return !end_.requested();
}

bool DriftCheck::wait_until_applied(std::uint64_t lsn) {
    auto since = std::chrono::steady_clock::now();
    while (live_.statistics.applied_lsn < lsn) {
        if (end_.wait_for(200ms)) return false;
        const auto now = std::chrono::steady_clock::now();
        if (!live_.statistics.connected || !live_.statistics.caught_up) since = now;
        if (now - since > quiet) break;
    }
    return !end_.requested();
}

void DriftCheck::report(const std::vector<Difference> &differences) {
    std::set<schema::compare::Key> logged;
    for (const auto &difference : differences) {
        if (logged.size() == objects_logged && !logged.contains(difference.object)) continue;
        if (!logged.insert(difference.object).second) continue;
        log::warning("schema drift", {{"difference", schema::compare::name_of(difference.kind)},
                                      {"kind", difference.object.kind},
                                      {"object", difference.object.identity},
                                      {"reason", difference.reason}});
    }
    const auto count = schema::compare::objects_in(differences);
    if (count > logged.size())
        log::warning("schema drift: further objects differ", {{"objects", count - logged.size()}});
    if (count > 0)
        log::warning(
            "the target's definitions differ from the source's; walbridge schema diff shows the DDL that mends them",
            {{"objects", count}});
    else
        log::info("the definitions of source and target are equal");
    live_.drifted = static_cast<std::int64_t>(count);
    live_.drift_checked_at =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace walbridge::task
