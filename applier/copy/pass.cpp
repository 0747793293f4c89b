// pass.cpp: see pass.hpp.
#include "copy/pass.hpp"

#include "base/log.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/chunk_store.hpp"
#include "dialect/postgres.hpp"
#include "schema/target_session.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::copy {
namespace {

constexpr std::size_t target_session = 0, source_session = 1;

/// The exporter is gone, so the snapshot cannot be imported any more: this worker ends, the next pass takes a new
/// snapshot.
struct SnapshotLost {};

/// Rolls the source back to the savepoint of a chunk, which lets the table's lock go. False when the session is of no
/// use any more.
bool release_chunk(pg::Session &source) noexcept {
    for (int attempt = 0; attempt < 2; ++attempt) { // a cancel that came too late may hit the first
        PGresult *raw =
            PQexec(source.raw(), "ROLLBACK TO SAVEPOINT walbridge_chunk; RELEASE SAVEPOINT walbridge_chunk");
        const bool done = PQresultStatus(raw) == PGRES_COMMAND_OK;
        PQclear(raw);
        if (done) return true;
    }
    return false;
}

/// Rows that were on the target before us are neither overwritten nor mixed with ours.
void refuse_rows(pg::Session &target, const QualifiedName &table) {
    const auto quoted = dialect::postgres::quote(table);
    if (target.value(fmt::format("SELECT 1 FROM ONLY {} LIMIT 1", quoted)))
        throw Error(ErrorKind::copy_stage, to_string(table),
                    "the table is not empty on the target, and its rows are not ours",
                    fmt::format("TRUNCATE {} on the target if its rows can go, or leave the table out.", quoted));
}

} // namespace

Pass::Pass(LoadContext context, source::ExportedSnapshot &snapshot,
           const std::map<std::uint32_t, source::Table> &tables, const std::map<QualifiedName, source::Table> &targets,
           std::vector<Chunk> open, std::optional<pg::Session> held)
    : context_(std::move(context)), snapshot_(snapshot), tables_(tables), targets_(targets), held_(std::move(held)),
      single_(held_.has_value()) {
    std::stable_sort(open.begin(), open.end(),
                     [](const Chunk &a, const Chunk &b) { return a.estimated_bytes > b.estimated_bytes; });
    for (const auto &chunk : open) states_[chunk.source_oid].begun = chunk.started;
    open_.assign(open.begin(), open.end());
}

Pass::Result Pass::run() {
    const auto wanted = single_ ? 1 : static_cast<std::size_t>(std::max(context_.config.copy.workers, 1));
    const auto workers = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(open_.size(), 1));
    result_.stopped = !schema::run_workers(static_cast<int>(workers), context_.stop,
                                           [this](schema::WorkerSession &worker) { work(worker); });
    return result_;
}

std::optional<Chunk> Pass::take() {
    const std::lock_guard lock(mutex_);
    while (!open_.empty()) {
        auto chunk = std::move(open_.front());
        open_.pop_front();
        if (!result_.changed.contains(chunk.source_oid)) return chunk;
    }
    return std::nullopt;
}

void Pass::give_back(Chunk chunk) {
    const std::lock_guard lock(mutex_);
    open_.push_back(std::move(chunk));
}

void Pass::work(schema::WorkerSession &worker) {
    source::RetryWindow retry(context_.config.retry, context_.stop);
    while (!worker.stopping()) {
        auto chunk = take();
        if (!chunk) return;
        try {
            copy_chunk(worker, *chunk);
            retry.succeeded();
        } catch (const SnapshotLost &) {
            log::warning("the snapshot is gone: what is missing will be copied under a new one",
                         {{"snapshot", snapshot_.name()}});
            return;
        } catch (const Stopped &) {
            return;
        } catch (const Error &error) {
            worker.close(target_session);
            give_back(*chunk);
            if (worker.stopping()) return;
            if (!retry.again(error, "copy of " + to_string(chunk->table))) return;
        }
    }
}

pg::Session open_copy_source(const TaskConfig &config) {
    return {config.source.endpoint,
            {config.application_name("copy"),
             false,
             {{"lc_monetary", "C"}, {"max_parallel_workers_per_gather", "0"}, {"synchronize_seqscans", "off"}}}};
}

pg::Session Pass::open_source() {
    if (held_) {
        auto session = std::move(*held_);
        held_.reset();
        return session;
    }
    auto session = open_copy_source(context_.config);
    try {
        source::import_snapshot(session, snapshot_.name());
    } catch (const SqlError &error) {
        const std::lock_guard lock(mutex_);
        if (error.recovery() == Recovery::stop || !snapshot_.alive()) throw SnapshotLost{};
        throw;
    }
    session.execute("SET LOCAL lock_timeout = '10s'");
    return session;
}

Pass::Verdict Pass::lock_and_compare(pg::Session &source, const source::Table &table) {
    try {
        source.execute("SAVEPOINT walbridge_chunk; LOCK TABLE ONLY " + dialect::postgres::quote(table.name) +
                       " IN ACCESS SHARE MODE");
    } catch (const SqlError &error) {
        if (error.sqlstate() == "42P01" || error.sqlstate() == "3F000" || error.sqlstate() == "42809")
            return Verdict::changed;
        explain_source_error(error, table.name);
    }
    // The lock keeps every rewrite, TRUNCATE, ALTER and rename of this name's table away; what happened before it shows
    // here.
    const std::lock_guard lock(now_mutex_);
    try {
        if (!now_)
            now_.emplace(context_.config.source.endpoint,
                         pg::ConnectOptions{context_.config.application_name("catalog"), false, {}});
        const auto now = source::read_table(*now_, table.oid);
        const bool same = now && now->name == table.name && now->kind == table.kind &&
                          source::fingerprint(*now) == source::fingerprint(table);
        return same ? Verdict::same : Verdict::changed;
    } catch (const SqlError &) {
        now_.reset();
        throw;
    }
}

void Pass::begin_table(pg::Session &target, const Chunk &chunk) {
    auto &state = states_.at(chunk.source_oid);
    const std::lock_guard lock(state.begin);
    if (state.begun) return;
    refuse_rows(target, chunk.table);
    schema::in_transaction(target, context_.fence,
                           [&] { mark_started(target, context_.config.name, chunk.source_oid); });
    state.begun = true;
}

Counts Pass::transfer(pg::Session &source, pg::Session &target, const Chunk &chunk, const source::Table &table) {
    const auto there = targets_.find(chunk.table);
    if (there == targets_.end())
        throw Error(ErrorKind::target_shape, to_string(chunk.table), "the table is missing on the target",
                    "Create it there, or let the schema stage do it (task.stages).");
    const auto *key = chunk_key(table);
    if (chunk.kind == ChunkKind::key && key == nullptr)
        throw Error(ErrorKind::copy_stage, to_string(chunk.table), "the key that its chunks are cut by is gone",
                    "Reset the task.");
    const auto statements = make_transfer(table, there->second, chunk, key != nullptr ? key->name : std::string());
    std::int64_t rows = 0, bytes = 0;
    const CopyWatch watch{[this] { return context_.stop.requested(); },
                          [&](std::int64_t more_rows, std::int64_t more_bytes) {
                              rows += more_rows;
                              bytes += more_bytes;
                              context_.progress.add(chunk.table, more_rows, more_bytes);
                          }};
    try {
        return stream_rows(source, target, statements, chunk.table, watch);
    } catch (...) {
        context_.progress.add(chunk.table, -rows, -bytes);
        throw;
    }
}

void Pass::copy_chunk(schema::WorkerSession &worker, Chunk &chunk) {
    const auto &table = tables_.at(chunk.source_oid);
    auto &target = worker.open([&] { return schema::open_target(context_.config, "copy"); }, target_session);
    auto &source = worker.open([&] { return open_source(); }, source_session);
    struct Release { // the lock must not outlive the chunk, whatever happens
        schema::WorkerSession &worker;
        pg::Session &source;
        ~Release() {
            if (!release_chunk(source)) worker.close(source_session);
        }
    } const release{worker, source};

    if (lock_and_compare(source, table) == Verdict::changed) {
        log::warning(
            "the table was changed on the source after the snapshot: it will be copied again under a newer one",
            {{"table", to_string(chunk.table)}});
        const std::lock_guard lock(mutex_);
        result_.changed.insert(chunk.source_oid);
        return;
    }
    bool was_done = false;
    try {
        if (chunk.kind != ChunkKind::whole) begin_table(target, chunk);
        schema::in_transaction(target, context_.fence, [&] {
            was_done = !lock_open_chunk(target, context_.config.name, chunk);
            if (was_done) return;
            if (chunk.kind == ChunkKind::whole) refuse_rows(target, chunk.table); // one transaction: never half-way
            const auto counts = transfer(source, target, chunk, table);
            chunk.rows = counts.rows;
            chunk.bytes = counts.bytes;
            chunk.sync_lsn = snapshot_.lsn();
            finish_chunk(target, context_.config.name, chunk);
        });
    } catch (const SqlError &error) {
        if (error.object().starts_with("source")) explain_source_error(error, chunk.table);
        explain_target_error(error, chunk.table);
    }
    context_.progress.chunk_done(chunk.table);
    log::debug(
        "chunk copied",
        {{"table", to_string(chunk.table)}, {"chunk", chunk.number}, {"rows", chunk.rows}, {"bytes", chunk.bytes}});
    const std::lock_guard lock(mutex_);
    ++result_.chunks_done;
}

} // namespace walbridge::copy
