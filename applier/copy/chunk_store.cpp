// chunk_store.cpp: SQL of walbridge.table_sync.
#include "copy/chunk_store.hpp"

#include "schema/target_session.hpp"

namespace walbridge::copy {
namespace {

pg::Parameter text_of(const std::optional<std::int64_t> &bound) {
    return bound ? pg::Parameter(std::to_string(*bound)) : std::nullopt;
}

std::vector<pg::Parameter> row_key(const std::string &task, const Chunk &chunk) {
    return {task, std::to_string(chunk.source_oid), std::to_string(chunk.number)};
}

} // namespace

void store_chunks(pg::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    if (chunks.empty()) return;
    std::vector<std::vector<pg::Parameter>> rows;
    rows.reserve(chunks.size());
    for (const auto &chunk : chunks)
        rows.push_back({task, std::to_string(chunk.source_oid), chunk.table.schema, chunk.table.name,
                        std::to_string(chunk.number), std::string(name_of(chunk.kind)), text_of(chunk.low),
                        text_of(chunk.high), to_string(chunk.sync_lsn), chunk.done ? "t" : "f",
                        std::to_string(chunk.estimated_rows), std::to_string(chunk.estimated_bytes),
                        chunk.fingerprint});
    schema::copy_rows(target,
                      "COPY walbridge.table_sync (task, source_oid, schema_name, table_name, chunk, chunk_kind, low, "
                      "high, sync_lsn, done, "
                      "estimated_rows, estimated_bytes, fingerprint) FROM STDIN",
                      rows);
}

std::vector<Chunk> load_chunks(pg::Session &target, const std::string &task) {
    const auto rows = target.query(
        "SELECT source_oid, schema_name, table_name, chunk, chunk_kind, low, high, sync_lsn, done, rows, bytes, "
        "estimated_rows, estimated_bytes, fingerprint, started_at IS NOT NULL FROM walbridge.table_sync "
        "WHERE task = $1 ORDER BY source_oid, chunk",
        {task});
    std::vector<Chunk> chunks;
    chunks.reserve(static_cast<std::size_t>(rows.rows()));
    const auto count = [&](int row, int column) { return static_cast<std::uint64_t>(rows.number(row, column)); };
    const auto bound = [&](int row, int column) {
        return rows.null(row, column) ? std::nullopt : std::optional<std::int64_t>(rows.number(row, column));
    };
    for (int row = 0; row < rows.rows(); ++row) {
        Chunk chunk;
        chunk.source_oid = static_cast<std::uint32_t>(rows.number(row, 0));
        chunk.table = {rows.text(row, 1), rows.text(row, 2)};
        chunk.number = static_cast<int>(rows.number(row, 3));
        const auto kind = chunk_kind(rows.get(row, 4));
        if (!kind)
            throw Error(ErrorKind::task_state, "walbridge.table_sync", "unknown kind of chunk " + rows.text(row, 4));
        chunk.kind = *kind;
        chunk.low = bound(row, 5);
        chunk.high = bound(row, 6);
        chunk.sync_lsn = parse_lsn(rows.get(row, 7)).value_or(Lsn{});
        chunk.done = rows.flag(row, 8);
        chunk.rows = count(row, 9);
        chunk.bytes = count(row, 10);
        chunk.estimated_rows = count(row, 11);
        chunk.estimated_bytes = count(row, 12);
        chunk.fingerprint = rows.text(row, 13);
        chunk.started = rows.flag(row, 14);
        chunks.push_back(std::move(chunk));
    }
    return chunks;
}

void replace_chunks(pg::Session &target, const std::string &task, std::uint32_t source_oid,
                    const std::vector<Chunk> &chunks) {
    target.query("DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid",
                 {task, std::to_string(source_oid)});
    store_chunks(target, task, chunks);
}

void mark_started(pg::Session &target, const std::string &task, std::uint32_t source_oid) {
    target.query("UPDATE walbridge.table_sync SET started_at = clock_timestamp() WHERE task = $1 AND source_oid = "
                 "$2::oid AND started_at IS NULL",
                 {task, std::to_string(source_oid)});
}

bool lock_open_chunk(pg::Session &target, const std::string &task, const Chunk &chunk) {
    const auto row = target.query("SELECT done FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid AND "
                                  "chunk = $3::integer FOR UPDATE",
                                  row_key(task, chunk));
    if (row.rows() == 0)
        throw Error(ErrorKind::fenced, to_string(chunk.table), "its chunk is not in walbridge.table_sync any more");
    return !row.flag(0, 0);
}

void finish_chunk(pg::Session &target, const std::string &task, const Chunk &chunk) {
    auto parameters = row_key(task, chunk);
    parameters.insert(parameters.end(),
                      {to_string(chunk.sync_lsn), std::to_string(chunk.rows), std::to_string(chunk.bytes)});
    const auto result = target.query(
        "UPDATE walbridge.table_sync SET done = true, sync_lsn = $4::pg_lsn, rows = $5::bigint, bytes = $6::bigint, "
        "started_at = coalesce(started_at, now()), finished_at = clock_timestamp() "
        "WHERE task = $1 AND source_oid = $2::oid AND chunk = $3::integer AND NOT done",
        parameters);
    if (result.affected() != 1)
        throw Error(ErrorKind::fenced, to_string(chunk.table), "its chunk was finished by somebody else");
}

} // namespace walbridge::copy
