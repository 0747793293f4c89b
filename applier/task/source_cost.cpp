// source_cost.cpp: the statistics views of the source, for the slot and for the sessions that carry the task's name.
#include "task/source_cost.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {

SourceCost read_source_cost(pg::Session &source, const TaskConfig &config) {
    SourceCost cost;
    const auto slot = source.query("SELECT pg_catalog.age(s.catalog_xmin), coalesce(r.state, ''), "
                                   "coalesce(a.wait_event_type || ':' || a.wait_event, '') FROM "
                                   "pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_replication r ON "
                                   "r.pid = s.active_pid LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = "
                                   "s.active_pid WHERE s.slot_name = $1",
                                   {config.slot_name()});
    if (slot.rows() > 0) {
        if (!slot.null(0, 0)) cost.catalog_xmin_age = slot.number(0, 0);
        cost.walsender_state = slot.text(0, 1);
        cost.walsender_wait = slot.text(0, 2);
    }
    if (source.server_version() >= 140000) {
        const auto row = source.query("SELECT total_txns, total_bytes, spill_txns, spill_count, spill_bytes, "
                                      "stream_txns, stream_bytes FROM pg_catalog.pg_stat_replication_slots WHERE "
                                      "slot_name = $1",
                                      {config.slot_name()});
        if (row.rows() > 0)
            cost.decoding = SourceCost::Decoding{.transactions = row.number(0, 0),
                                                 .bytes = row.number(0, 1),
                                                 .spilled_transactions = row.number(0, 2),
                                                 .spills = row.number(0, 3),
                                                 .spilled_bytes = row.number(0, 4),
                                                 .streamed_transactions = row.number(0, 5),
                                                 .streamed_bytes = row.number(0, 6)};
    }
    const auto own = config.application_name("");
    const auto sessions =
        source.query("SELECT count(*), max(pg_catalog.age(backend_xmin)) FILTER (WHERE pid <> "
                     "pg_catalog.pg_backend_pid()), extract(epoch FROM max(pg_catalog.clock_timestamp() - xact_start) "
                     "FILTER (WHERE pid <> pg_catalog.pg_backend_pid() AND backend_type <> 'walsender')) FROM "
                     "pg_catalog.pg_stat_activity WHERE pg_catalog.starts_with(application_name, $1)",
                     {own});
    cost.sessions = static_cast<int>(sessions.number(0, 0));
    if (!sessions.null(0, 1)) cost.oldest_snapshot_age = sessions.number(0, 1);
    if (!sessions.null(0, 2)) cost.oldest_transaction_seconds = std::stod(sessions.text(0, 2));
    // Catalogs are locked by everybody who reads them, and nobody waits for that.
    const auto locks = source.query(
        "WITH held AS (SELECT l.* FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE "
        "l.locktype = 'relation' AND l.granted AND l.relation >= 16384 AND l.pid <> pg_catalog.pg_backend_pid() AND "
        "pg_catalog.starts_with(a.application_name, $1)) SELECT mode, count(*), (SELECT count(DISTINCT w.pid) FROM "
        "pg_catalog.pg_locks w JOIN held h ON h.database = w.database AND h.relation = w.relation AND h.pid <> w.pid "
        "WHERE NOT w.granted) FROM held GROUP BY mode",
        {own});
    for (int row = 0; row < locks.rows(); ++row) {
        cost.table_locks[locks.text(row, 0)] = static_cast<int>(locks.number(row, 1));
        cost.waiting_sessions = static_cast<int>(locks.number(row, 2));
    }
    return cost;
}

std::string source_cost_json(const SourceCost &cost) {
    using Json = nlohmann::ordered_json;
    const auto or_null = [](const auto &value) { return value ? Json(*value) : Json(nullptr); };
    Json json;
    json["catalog_xmin_age"] = or_null(cost.catalog_xmin_age);
    json["decoding"] = nullptr;
    if (const auto &decoding = cost.decoding)
        json["decoding"] = {{"transactions", decoding->transactions},
                            {"bytes", decoding->bytes},
                            {"spilled_transactions", decoding->spilled_transactions},
                            {"spills", decoding->spills},
                            {"spilled_bytes", decoding->spilled_bytes},
                            {"streamed_transactions", decoding->streamed_transactions},
                            {"streamed_bytes", decoding->streamed_bytes}};
    json["walsender"] = cost.walsender_state.empty()
                            ? Json(nullptr)
                            : Json{{"state", cost.walsender_state}, {"wait", cost.walsender_wait}};
    json["sessions"] = cost.sessions;
    json["oldest_snapshot_age"] = or_null(cost.oldest_snapshot_age);
    json["oldest_transaction_seconds"] = or_null(cost.oldest_transaction_seconds);
    json["table_locks"] = Json::object();
    for (const auto &[mode, count] : cost.table_locks) json["table_locks"][mode] = count;
    json["waiting_sessions"] = cost.waiting_sessions;
    return json.dump();
}

} // namespace walbridge::task
