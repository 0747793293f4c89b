// sync_state.cpp: walbridge.table_sync to the sync filter.
#include "pipeline/sync_state.hpp"

namespace walbridge::pipeline {
namespace {

std::optional<std::int64_t> bound(const pg::Result &rows, int row, int column, bool by_key) {
    if (!by_key || rows.null(row, column)) return std::nullopt;
    return rows.number(row, column);
}

} // namespace

apply::SyncFilter load_sync_filter(const TaskConfig &config) {
    pg::Session session(config.target.endpoint, {config.application_name("sync"), false, {}});
    const auto rows = session.query(
        "SELECT source_oid, chunk_kind, low, high, sync_lsn, schema_name, table_name FROM walbridge.table_sync "
        "WHERE task = $1 AND sync_lsn IS NOT NULL ORDER BY source_oid, chunk",
        {config.name});
    apply::SyncFilter filter;
    for (int row = 0; row < rows.rows(); ++row) {
        // Chunks by block were copied under one snapshot: each stands for the whole table.
        const bool by_key = rows.get(row, 1) == "key";
        apply::SyncChunk chunk;
        chunk.low = bound(rows, row, 2, by_key).value_or(std::numeric_limits<std::int64_t>::min());
        chunk.high = bound(rows, row, 3, by_key);
        chunk.sync_lsn = parse_lsn(rows.get(row, 4)).value();
        filter.add(static_cast<std::uint32_t>(rows.number(row, 0)), {rows.text(row, 5), rows.text(row, 6)}, chunk);
    }
    return filter;
}

} // namespace walbridge::pipeline
