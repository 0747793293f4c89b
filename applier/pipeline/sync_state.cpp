// sync_state.cpp: walbridge.table_sync to the sync filter.
#include "pipeline/sync_state.hpp"

#include "target/state_session.hpp"

namespace walbridge::pipeline {
namespace {

std::optional<std::int64_t> bound(const sql::Rows &rows, int row, int column, bool by_key) {
    if (!by_key || rows.null(row, column)) return std::nullopt;
    return rows.number(row, column);
}

} // namespace

apply::SyncFilter load_sync_filter(const TaskConfig &config) {
    const auto rows =
        target::open_state(config, config.application_name("sync"))
            ->ask(
                "SELECT source_oid, chunk_kind, low, high, sync_lsn, schema_name, table_name FROM walbridge.table_sync "
                "WHERE task = $1 AND sync_lsn IS NOT NULL ORDER BY source_oid, chunk",
                {config.name});
    apply::SyncFilter filter;
    for (int row = 0; row < rows.rows(); ++row) {
        // Chunks by block were copied under one snapshot: each stands for the whole table.
        const bool by_key = rows.text(row, 1) == "key";
        apply::SyncChunk chunk;
        chunk.low = bound(rows, row, 2, by_key).value_or(std::numeric_limits<std::int64_t>::min());
        chunk.high = bound(rows, row, 3, by_key);
        chunk.sync_lsn = parse_lsn(rows.text(row, 4)).value();
        filter.add(static_cast<std::uint32_t>(rows.number(row, 0)), {rows.text(row, 5), rows.text(row, 6)}, chunk);
    }
    return filter;
}

} // namespace walbridge::pipeline
