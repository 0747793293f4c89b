// limit_mark.cpp: see limit_mark.hpp.
#include "task/limit_mark.hpp"

#include "dialect/postgres.hpp"
#include "task/slot_guard.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

/// Names of tasks are unique on a source cluster, and no slot of a task begins so.
std::string mark_name(const TaskConfig &config) { return "dropped_" + config.slot_name(); }

} // namespace

void leave_limit_mark(pg::Session &source, const TaskConfig &config) {
    source.query("SELECT pg_catalog.pg_create_physical_replication_slot($1) WHERE NOT EXISTS (SELECT FROM "
                 "pg_catalog.pg_replication_slots WHERE slot_name = $1)",
                 {mark_name(config)});
}

void remove_limit_mark(pg::Session &source, const TaskConfig &config) {
    source.query("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots WHERE "
                 "slot_name = $1 AND slot_type = 'physical'",
                 {mark_name(config)});
}

std::optional<Error> error_of_limit_mark(pg::Session &replication, const TaskConfig &config) {
    const auto found = replication.execute(
        fmt::format("SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = {} AND slot_type = 'physical'",
                    dialect::postgres::quote_literal(mark_name(config))));
    if (found.rows() == 0) return std::nullopt;
    return untold_limit_error(config);
}

} // namespace walbridge::task
