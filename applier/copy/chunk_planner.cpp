// chunk_planner.cpp: see chunk_planner.hpp.
#include "copy/chunk_planner.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::copy {
namespace {

constexpr int most_chunks = 10000;
constexpr std::uint64_t sample_pages = 2000;

/// Empty when the table cannot be read right now (locked, changed since the snapshot): the pass will find out why.
std::vector<std::int64_t> sample_keys(pg::Session &source, const source::Table &table, const source::Column &key) {
    const double percent = std::min(100.0, 100.0 * static_cast<double>(sample_pages) /
                                               static_cast<double>(std::max<std::uint64_t>(table.pages, 1)));
    std::vector<std::int64_t> keys;
    source.execute("SAVEPOINT walbridge_sample");
    try {
        source.execute("SET LOCAL lock_timeout = '5s'");
        const auto rows = source.query(fmt::format("SELECT {} FROM ONLY {} TABLESAMPLE SYSTEM ({:.6f}) REPEATABLE (1)",
                                                   dialect::postgres::quote_identifier(key.name),
                                                   dialect::postgres::quote(table.name), percent));
        keys.reserve(static_cast<std::size_t>(rows.rows()));
        for (int row = 0; row < rows.rows(); ++row) keys.push_back(rows.number(row, 0));
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        log::warning("no sample of keys: the table will be one chunk",
                     {{"table", to_string(table.name)}, {"reason", error.reason()}});
    }
    source.execute("ROLLBACK TO SAVEPOINT walbridge_sample"); // lets the lock go
    return keys;
}

/// Pieces of at most chunk_bytes; of a table that is cut anyway, enough for all workers to end at about the same time.
int count_chunks(std::uint64_t bytes, const TaskConfig::Copy &config) {
    const auto pieces_of = [&](std::uint64_t size) { return (bytes + size - 1) / size; };
    if (config.chunk_bytes == 0 || bytes <= config.chunk_bytes) return 1;
    const auto workers = static_cast<std::uint64_t>(std::max(config.workers, 1));
    const auto smallest = std::max<std::uint64_t>(config.chunk_bytes / 4, 1);
    auto chunks = std::max(pieces_of(config.chunk_bytes), std::min(4 * workers, pieces_of(smallest)));
    chunks = (chunks + workers - 1) / workers * workers;
    return static_cast<int>(std::clamp<std::uint64_t>(chunks, 1, most_chunks));
}

} // namespace

const source::Column *chunk_key(const source::Table &table) {
    // A value of another unique key may move from a row of one range to a row of another between their snapshots: the
    // target would hold it twice, and what is applied then would meet a row that its transaction never saw.
    if (table.indexes.size() > 1) return nullptr;
    const auto *index = source::identity_index(table);
    if (index == nullptr || index->columns.size() != 1 || index->partial || index->expressions) return nullptr;
    const auto *column = table.column(index->columns.front());
    const bool integer =
        column != nullptr && (column->type_oid == 20 || column->type_oid == 21 || column->type_oid == 23);
    return integer && column->not_null && column->generated == '\0' ? column : nullptr;
}

Cut choose_cut(const source::Table &table, const TaskConfig::Copy &config, int server_version) {
    const int chunks = count_chunks(table.bytes, config);
    if (chunks == 1) return {};
    if (table.bytes >= config.key_chunk_bytes && chunk_key(table) != nullptr) return {ChunkKind::key, chunks};
    if (server_version < 140000 || table.pages < 2) return {};
    return {ChunkKind::ctid,
            static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(chunks), table.pages))};
}

std::vector<std::int64_t> boundaries_of(std::vector<std::int64_t> sample, int chunks) {
    std::sort(sample.begin(), sample.end());
    std::vector<std::int64_t> boundaries;
    for (int i = 1; i < chunks && !sample.empty(); ++i) {
        const auto key = sample[sample.size() * static_cast<std::size_t>(i) / static_cast<std::size_t>(chunks)];
        if (boundaries.empty() || boundaries.back() < key) boundaries.push_back(key);
    }
    return boundaries;
}

std::vector<Chunk> make_chunks(const source::Table &table, Cut cut, const std::vector<std::int64_t> &boundaries,
                               Lsn sync_lsn) {
    std::vector<std::int64_t> cuts;
    if (cut.kind == ChunkKind::key) cuts = boundaries;
    if (cut.kind == ChunkKind::ctid)
        for (int i = 1; i < cut.chunks; ++i)
            cuts.push_back(static_cast<std::int64_t>(table.pages * static_cast<std::uint64_t>(i) /
                                                     static_cast<std::uint64_t>(cut.chunks)));
    const auto count = cuts.size() + 1;
    std::vector<Chunk> chunks(count);
    for (std::size_t i = 0; i < count; ++i) {
        auto &chunk = chunks[i];
        chunk.source_oid = table.oid;
        chunk.table = table.name;
        chunk.number = static_cast<int>(i);
        chunk.kind = cut.kind;
        if (i > 0) chunk.low = cuts[i - 1];
        if (i + 1 < count) chunk.high = cuts[i];
        chunk.sync_lsn = sync_lsn;
        chunk.estimated_rows = static_cast<std::uint64_t>(std::max(table.estimated_rows, 0.0)) / count;
        chunk.estimated_bytes = table.bytes / count;
        chunk.unlogged = table.unlogged;
        chunk.fingerprint = source::fingerprint(table);
    }
    return chunks;
}

std::vector<Chunk> plan_chunks(pg::Session &source, const source::Table &table, const TaskConfig::Copy &config,
                               Lsn sync_lsn, Existing existing, bool whole) {
    auto cut = choose_cut(table, config, source.server_version());
    if (existing == Existing::rows && (whole || cut.kind == ChunkKind::ctid)) cut = {};
    std::vector<std::int64_t> boundaries;
    if (cut.kind == ChunkKind::key)
        boundaries = boundaries_of(sample_keys(source, table, *chunk_key(table)), cut.chunks);
    auto chunks = make_chunks(table, cut, boundaries, sync_lsn);
    for (auto &chunk : chunks) chunk.existing = existing;
    return chunks;
}

} // namespace walbridge::copy
