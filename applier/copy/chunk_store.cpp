// chunk_store.cpp: SQL of walbridge.table_sync.
#include "copy/chunk_store.hpp"

#include "base/error.hpp"
#include "base/sql/insert_rows.hpp"

#include <fmt/format.h>
#include <map>
#include <utility>

namespace walbridge::copy {
namespace {

sql::Parameter text_of(const std::optional<std::int64_t> &bound) {
    return bound ? sql::Parameter(std::to_string(*bound)) : std::nullopt;
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

void store_chunks(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    if (chunks.empty()) return;
    std::vector<std::vector<sql::Parameter>> rows;
    rows.reserve(chunks.size());
    for (const auto &chunk : chunks)
        rows.push_back({task, std::to_string(chunk.source_oid), chunk.table.schema, chunk.table.name,
                        std::to_string(chunk.number), std::string(name_of(chunk.kind)), text_of(chunk.low),
                        text_of(chunk.high), to_string(chunk.sync_lsn), chunk.done ? "1" : "0",
                        std::to_string(chunk.estimated_rows), std::to_string(chunk.estimated_bytes), chunk.fingerprint,
                        chunk.unlogged ? "1" : "0", std::string(name_of(chunk.existing))});
    sql::insert_rows(target, "walbridge.table_sync",
                     {"task", "source_oid", "schema_name", "table_name", "chunk", "chunk_kind", "low", "high",
                      "sync_lsn", "done", "estimated_rows", "estimated_bytes", "fingerprint", "unlogged", "existing"},
                     rows);
}

std::vector<Chunk> load_chunks(sql::Session &target, const std::string &task) {
    const auto rows = target.ask(
        "SELECT source_oid, schema_name, table_name, chunk, chunk_kind, low, high, sync_lsn, done, t.rows, bytes, "
        "estimated_rows, estimated_bytes, fingerprint, started_at IS NOT NULL, unlogged, existing, kept, overwritten "
        "FROM walbridge.table_sync t "
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
        const auto kind = chunk_kind(rows.text(row, 4));
        if (!kind)
            throw Error(ErrorKind::task_state, "walbridge.table_sync", "unknown kind of chunk " + rows.text(row, 4));
        chunk.kind = *kind;
        chunk.low = bound(row, 5);
        chunk.high = bound(row, 6);
        chunk.sync_lsn = parse_lsn(rows.text(row, 7)).value_or(Lsn{});
        chunk.done = rows.flag(row, 8);
        chunk.rows = count(row, 9);
        chunk.bytes = count(row, 10);
        chunk.estimated_rows = count(row, 11);
        chunk.estimated_bytes = count(row, 12);
        chunk.fingerprint = rows.text(row, 13);
        chunk.started = rows.flag(row, 14);
        chunk.unlogged = rows.flag(row, 15);
        const auto existing = existing_of(rows.text(row, 16));
        if (!existing)
            throw Error(ErrorKind::task_state, "walbridge.table_sync",
                        "unknown word for what existed: " + rows.text(row, 16));
        chunk.existing = *existing;
        chunk.kept = count(row, 17);
        chunk.overwritten = count(row, 18);
        chunks.push_back(std::move(chunk));
    }
    return chunks;
}

void replace_chunks(sql::Session &target, const std::string &task, std::uint32_t source_oid,
                    const std::vector<Chunk> &chunks) {
    const auto oid = std::to_string(source_oid);
    const auto rule =
        target.ask_value({"SELECT max(rule) FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid",
                          "SELECT max(`rule`) FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2"},
                         {task, oid});
    target.ask({"DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid",
                "DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2"},
               {task, oid});
    store_chunks(target, task, chunks);
    if (rule && !rule->empty())
        target.ask({"UPDATE walbridge.table_sync SET rule = $3 WHERE task = $1 AND source_oid = $2::oid",
                    "UPDATE walbridge.table_sync SET `rule` = $3 WHERE task = $1 AND source_oid = $2"},
                   {task, oid, *rule});
}

void mark_started(sql::Session &target, const std::string &task, std::uint32_t source_oid) {
    target.ask({"UPDATE walbridge.table_sync SET started_at = clock_timestamp() WHERE task = $1 AND source_oid = "
                "$2::oid AND started_at IS NULL",
                "UPDATE walbridge.table_sync SET started_at = now(6) WHERE task = $1 AND source_oid = $2 AND "
                "started_at IS NULL"},
               {task, std::to_string(source_oid)});
}

std::vector<bool> lock_open_chunks(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    std::string places;
    for (const auto &chunk : chunks)
        places += fmt::format("{}({}, {})", places.empty() ? "" : ", ", chunk.source_oid, chunk.number);
    const auto rows = target.ask(fmt::format("SELECT source_oid, chunk, done FROM walbridge.table_sync WHERE task = $1 "
                                             "AND (source_oid, chunk) IN ({}) ORDER BY 1, 2 FOR UPDATE",
                                             places),
                                 {task});
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

namespace {

/// One statement for all. unnest with several arrays is syntax, not a function: it cannot be qualified (search_path is
/// pg_catalog).
long long finish_in_postgres(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    return target
        .ask("UPDATE walbridge.table_sync s SET done = true, sync_lsn = c.lsn, rows = c.rows, bytes = c.bytes, "
             "kept = c.kept, overwritten = c.overwritten, started_at = coalesce(s.started_at, now()), finished_at = "
             "clock_timestamp() "
             "FROM unnest($2::oid[], $3::integer[], $4::pg_lsn[], $5::bigint[], $6::bigint[], "
             "$7::bigint[], $8::bigint[]) c (oid, number, lsn, rows, bytes, kept, overwritten) "
             "WHERE s.task = $1 AND s.source_oid = c.oid AND s.chunk = c.number AND NOT s.done",
             {task, array_of(chunks, oid_of), array_of(chunks, number_of),
              array_of(chunks, [](const Chunk &chunk) { return to_string(chunk.sync_lsn); }),
              array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.rows); }),
              array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.bytes); }),
              array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.kept); }),
              array_of(chunks, [](const Chunk &chunk) { return std::to_string(chunk.overwritten); })})
        .affected();
}

long long finish_in_mysql(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    long long finished = 0;
    for (const auto &chunk : chunks)
        finished +=
            target
                .ask("UPDATE walbridge.table_sync s SET s.done = 1, s.sync_lsn = $1, s.rows = $2, s.bytes = "
                     "$3, s.kept = $7, s.overwritten = $8, s.started_at = coalesce(s.started_at, now(6)), "
                     "s.finished_at = now(6) WHERE s.task = "
                     "$4 AND s.source_oid = $5 AND s.chunk = $6 AND s.done = 0",
                     {to_string(chunk.sync_lsn), std::to_string(chunk.rows), std::to_string(chunk.bytes), task,
                      oid_of(chunk), number_of(chunk), std::to_string(chunk.kept), std::to_string(chunk.overwritten)})
                .affected();
    return finished;
}

} // namespace

void finish_chunks(sql::Session &target, const std::string &task, const std::vector<Chunk> &chunks) {
    const auto finished = target.dialect() == sql::Dialect::mysql ? finish_in_mysql(target, task, chunks)
                                                                  : finish_in_postgres(target, task, chunks);
    if (finished != static_cast<long long>(chunks.size()))
        throw Error(ErrorKind::fenced, to_string(chunks.front().table), "its chunk was finished by somebody else");
}

} // namespace walbridge::copy
