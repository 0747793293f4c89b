// chunk_store.cpp: SQL of walbridge.table_sync.
#include "copy/chunk_store.hpp"

#include "schema/target_session.hpp"

#include <map>
#include <utility>

namespace walbridge::copy {
namespace {

pg::Parameter text_of(const std::optional<std::int64_t> &bound) {
    return bound ? pg::Parameter(std::to_string(*bound)) : std::nullopt;
}

/// One value of each chunk as an array in text form; the values need no quoting.
template <class Value> std::string array_of(const std::vector<Chunk> &chunks, Value value) {
    std::string list;
    for (const auto &chunk : chunks) list += (list.empty() ? "" : ",") + value(chunk);
    return "{" + list + "}";
}

std::string oid_of(const Chunk &chunk) { return std::to_string(chunk.source_oid); }
std::string number_of(const Chunk &chunk) { return std::to_string(chunk.number); }

} // namespace

void store_chunks(pg::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    if (chunks.empty()) return;
    std::vector<std::vector<pg::Parameter>> rows;
    rows.reserve(chunks.size());
    for (const auto &chunk : chunks)
        rows.push_back({task, std::to_string(chunk.source_oid), chunk.table.schema, chunk.table.name,
                        std::to_string(chunk.number), std::string(name_of(chunk.kind)), text_of(chunk.low),
                        text_of(chunk.high), to_string(chunk.sync_lsn), chunk.done ? "t" : "f",
                        std::to_string(chunk.estimated_rows), std::to_string(chunk.estimated_bytes), chunk.fingerprint,
                        chunk.unlogged ? "t" : "f"});
    schema::copy_rows(target,
                      "COPY walbridge.table_sync (task, source_oid, schema_name, table_name, chunk, chunk_kind, low, "
                      "high, sync_lsn, done, "
                      "estimated_rows, estimated_bytes, fingerprint, unlogged) FROM STDIN",
                      rows);
}

std::vector<Chunk> load_chunks(pg::Session &target, const std::string &task) {
    const auto rows = target.query(
        "SELECT source_oid, schema_name, table_name, chunk, chunk_kind, low, high, sync_lsn, done, rows, bytes, "
        "estimated_rows, estimated_bytes, fingerprint, started_at IS NOT NULL, unlogged FROM walbridge.table_sync "
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
        chunk.unlogged = rows.flag(row, 15);
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

// unnest with several arrays is syntax, not a function: it cannot be qualified (search_path is pg_catalog).
std::vector<bool> lock_open_chunks(pg::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    const auto rows =
        target.query("SELECT s.source_oid, s.chunk, s.done FROM walbridge.table_sync s WHERE s.task = $1 AND "
                     "(s.source_oid, s.chunk) IN "
                     "(SELECT * FROM unnest($2::oid[], $3::integer[])) ORDER BY 1, 2 FOR UPDATE OF s",
                     {task, array_of(chunks, oid_of), array_of(chunks, number_of)});
    std::map<std::pair<std::uint32_t, int>, bool> open;
    for (int row = 0; row < rows.rows(); ++row)
        open.emplace(std::pair(static_cast<std::uint32_t>(rows.number(row, 0)), static_cast<int>(rows.number(row, 1))),
                     !rows.flag(row, 2));
    std::vector<bool> result;
    for (const auto &chunk : chunks) {
        const auto found = open.find({chunk.source_oid, chunk.number});
        if (found == open.end())
            throw Error(ErrorKind::fenced, to_string(chunk.table), "its chunk is not in walbridge.table_sync any more");
        result.push_back(found->second);
    }
    return result;
}

void finish_chunks(pg::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    const auto result =
        target.query("UPDATE walbridge.table_sync s SET done = true, sync_lsn = c.lsn, rows = c.rows, bytes = c.bytes, "
                     "started_at = coalesce(s.started_at, now()), finished_at = clock_timestamp() "
                     "FROM unnest($2::oid[], $3::integer[], $4::pg_lsn[], $5::bigint[], $6::bigint[]) "
                     "c (oid, number, lsn, rows, bytes) "
                     "WHERE s.task = $1 AND s.source_oid = c.oid AND s.chunk = c.number AND NOT s.done",
                     {task, array_of(chunks, oid_of), array_of(chunks, number_of),
                      array_of(chunks, [](const Chunk &chunk) { return to_string(chunk.sync_lsn); }),
                      array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.rows); }),
                      array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.bytes); })});
    if (result.affected() != static_cast<long long>(chunks.size()))
        throw Error(ErrorKind::fenced, to_string(chunks.front().table), "its chunk was finished by somebody else");
}

} // namespace walbridge::copy
