// pass.cpp: see pass.hpp.
#include "copy/pass.hpp"

#include "base/log.hpp"
#include "copy/chunk_store.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <utility>

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

/// Tables up to this size share a transaction with others, as long as it takes a moment only.
constexpr std::uint64_t small_table_bytes = 1 << 20, group_bytes = 8 << 20;
constexpr std::size_t group_tables = 50;

/// On the source, beside a COPY for each table: locks, two looks at the catalog, the locks' end.
constexpr std::uint64_t queries_of_a_group = 4;

} // namespace

Pass::Pass(LoadContext context, source::ExportedSnapshot &snapshot, const SourceTables &tables, RowTarget &target,
           std::vector<Chunk> open, std::optional<pg::Session> held)
    : context_(std::move(context)), snapshot_(snapshot), tables_(tables), target_(target), held_(std::move(held)),
      single_(held_.has_value()) {
    std::stable_sort(open.begin(), open.end(),
                     [](const Chunk &a, const Chunk &b) { return a.estimated_bytes > b.estimated_bytes; });
    for (auto &chunk : open) {
        states_[chunk.source_oid].begun = chunk.started;
        chunk.sync_lsn = snapshot_.lsn();
    }
    open_.assign(open.begin(), open.end());
}

Pass::Result Pass::run() {
    const auto wanted = single_ ? 1 : static_cast<std::size_t>(std::max(context_.config.copy.workers, 1));
    workers_ = std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(open_.size(), 1));
    result_.stopped = !schema::run_workers(static_cast<int>(workers_), context_.stop,
                                           [this](schema::WorkerSession &worker) { work(worker); });
    return result_;
}

Pass::Group Pass::take() {
    const std::lock_guard lock(mutex_);
    const auto small = [&](const Chunk &chunk) {
        return chunk.kind == ChunkKind::whole && chunk.estimated_bytes <= small_table_bytes &&
               !alone_.contains(chunk.source_oid);
    };
    // Near the end groups become smaller, so that all workers end at about the same time.
    auto limit = std::clamp<std::size_t>(open_.size() / (2 * workers_), 1, group_tables);
    if (const auto queries = context_.throttle.limits().queries; queries != 0) // what half a second lets through
        limit = std::clamp<std::size_t>(queries / 2, 1, limit);
    Group group;
    std::uint64_t bytes = 0;
    while (!open_.empty() && group.size() < limit) {
        auto &next = open_.front();
        if (!group.empty() && (!small(group.front()) || !small(next) || bytes + next.estimated_bytes > group_bytes))
            break;
        if (!result_.changed.contains(next.source_oid)) {
            bytes += next.estimated_bytes;
            group.push_back(std::move(next));
        }
        open_.pop_front();
    }
    return group;
}

void Pass::give_back(Group group) {
    const std::lock_guard lock(mutex_);
    const bool together = group.size() > 1;
    for (auto &chunk : group) {
        if (together) alone_.insert(chunk.source_oid);
        open_.push_back(std::move(chunk));
    }
}

bool Pass::let_go(schema::WorkerSession &worker, Group group) {
    worker.close(target_session);
    log::info("other sessions wait for a table of a copy that is held: its chunk begins anew when the hold ends",
              {{"table", to_string(group.front().table)}, {"tables", group.size()}});
    const std::lock_guard lock(mutex_);
    for (auto &chunk : group) open_.push_front(std::move(chunk));
    result_.let_go = true;
    return !single_;
}

void Pass::work(schema::WorkerSession &worker) {
    source::RetryWindow retry(context_.config.retry, context_.stop, &context_.progress.retries);
    while (!worker.stopping()) {
        auto group = take();
        if (group.empty()) return;
        const auto name = to_string(group.front().table);
        try {
            // Before the group holds any lock.
            if (!context_.throttle.pass({.queries = queries_of_a_group + group.size()},
                                        [&] { return worker.stopping(); }))
                return;
            copy_group(worker, group);
            retry.succeeded();
        } catch (const SnapshotLost &) {
            log::warning("the snapshot is gone: what is missing will be copied under a new one",
                         {{"snapshot", snapshot_.name()}});
            return;
        } catch (const Stopped &) {
            return;
        } catch (const LetGo &) {
            if (!let_go(worker, std::move(group))) return;
        } catch (const Error &error) {
            worker.close(target_session);
            const auto tables = group.size();
            give_back(std::move(group));
            if (worker.stopping()) return;
            if (tables > 1 && error.kind() != ErrorKind::fenced) {
                log::debug("tables that were to be copied together are copied one by one",
                           {{"tables", tables}, {"reason", error.what()}});
                continue;
            }
            if (!retry.again(error, "copy of " + name)) return;
        }
    }
}

pg::Session open_copy_source(const TaskConfig &config) {
    // A server that gives up clients which take nothing for a while would end the copy of a guard that holds it.
    return {config.source.endpoint,
            {config.application_name("copy"),
             false,
             {{"lc_monetary", "C"},
              {"max_parallel_workers_per_gather", "0"},
              {"synchronize_seqscans", "off"},
              {"transform_null_equals", "off"}, // expressions mean what they mean to the plugin
              {"array_nulls", "on"},
              {"tcp_user_timeout", "0"}}}};
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

void Pass::leave_out(Group &group, const std::set<std::uint32_t> &changed) {
    if (changed.empty()) return;
    for (const auto &chunk : group)
        if (changed.contains(chunk.source_oid))
            log::warning(
                "the table was changed on the source after the snapshot: it will be copied again under a newer one",
                {{"table", to_string(chunk.table)}});
    std::erase_if(group, [&](const Chunk &chunk) { return changed.contains(chunk.source_oid); });
    const std::lock_guard lock(mutex_);
    result_.changed.insert(changed.begin(), changed.end());
}

void Pass::lock_and_compare(pg::Session &source, Group &group) {
    const bool together = group.size() > 1;
    std::string names;
    for (const auto &chunk : group)
        names += (names.empty() ? "ONLY " : ", ONLY ") + dialect::postgres::quote(tables_.at(chunk.source_oid).name);
    try {
        source.execute("SAVEPOINT walbridge_chunk; LOCK TABLE " + names + " IN ACCESS SHARE MODE" +
                       (together ? " NOWAIT" : ""));
    } catch (const SqlError &error) {
        if (together) throw;
        const auto &chunk = group.front();
        if (error.sqlstate() == "42P01" || error.sqlstate() == "3F000" || error.sqlstate() == "42809")
            return leave_out(group, {chunk.source_oid});
        explain_source_error(error, chunk.table);
    }
    // The lock keeps every rewrite, TRUNCATE, ALTER and rename of this name's table away; what happened before it shows
    // here.
    std::set<std::uint32_t> changed;
    for (const auto &chunk : group) changed.insert(chunk.source_oid);
    {
        const std::lock_guard lock(now_mutex_);
        try {
            if (!now_)
                now_.emplace(context_.config.source.endpoint,
                             pg::ConnectOptions{context_.config.application_name("catalog"), false, {}});
            changed = source::changed_since(*now_, tables_, changed);
        } catch (const SqlError &) {
            now_.reset();
            throw;
        }
    }
    leave_out(group, changed);
}

void Pass::begin_table(RowSink &sink, const Chunk &chunk) {
    auto &state = states_.at(chunk.source_oid);
    const std::lock_guard lock(state.begin);
    if (state.begun) return;
    sink.refuse_rows({chunk});
    context_.fence.around(sink.session(),
                          [&] { mark_started(sink.session(), context_.config.name, chunk.source_oid); });
    state.begun = true;
}

void Pass::transfer(schema::WorkerSession &worker, pg::Session &source, RowSink &sink, Group &group) {
    std::vector<std::pair<std::int64_t, std::int64_t>> sent(group.size());
    // Also when another worker failed: a copy that is held would wait for hours before it is heard of.
    const CopyWatch watch{[&worker] { return worker.stopping(); },
                          [&](std::size_t place, std::int64_t more_rows, std::int64_t more_bytes) {
                              sent[place].first += more_rows;
                              sent[place].second += more_bytes;
                              context_.progress.add(group[place].table, more_rows, more_bytes);
                          },
                          context_.throttle};
    try {
        const auto counts = sink.take(source, group, watch);
        for (std::size_t place = 0; place < group.size(); ++place) {
            group[place].rows = counts[place].rows;
            group[place].bytes = counts[place].bytes;
            group[place].kept = counts[place].kept;
            group[place].overwritten = counts[place].overwritten;
            group[place].sync_lsn = snapshot_.lsn();
        }
    } catch (...) {
        for (std::size_t place = 0; place < group.size(); ++place)
            context_.progress.add(group[place].table, -sent[place].first, -sent[place].second);
        throw;
    }
}

void Pass::copy_group(schema::WorkerSession &worker, Group &group) {
    auto &sink = worker.open([&] { return target_.open(); }, target_session);
    auto &source = worker.open([&] { return open_source(); }, source_session);
    struct Release { // the locks must not outlive the group, whatever happens
        schema::WorkerSession &worker;
        pg::Session &source;
        ~Release() {
            if (!release_chunk(source)) worker.close(source_session);
        }
    } const release{worker, source};

    lock_and_compare(source, group);
    if (group.empty()) return;
    const auto table = group.front().table; // of a group of one; the others fail one by one
    Group done;
    try {
        const bool whole = group.front().kind == ChunkKind::whole;
        if (!whole) begin_table(sink, group.front());
        context_.fence.around(sink.session(), [&] {
            const auto open = lock_open_chunks(sink.session(), context_.config.name, group);
            Group missing;
            done.clear();
            for (std::size_t place = 0; place < group.size(); ++place)
                (open[place] ? missing : done).push_back(group[place]);
            if (missing.empty()) return;
            if (whole) sink.refuse_rows(missing); // one transaction: never half-way
            transfer(worker, source, sink, missing);
            finish_chunks(sink.session(), context_.config.name, missing);
            std::move(missing.begin(), missing.end(), std::back_inserter(done));
        });
    } catch (const SqlError &error) {
        if (group.size() > 1) throw;
        if (error.object().starts_with("source")) explain_source_error(error, table);
        sink.explain(error, table);
    }
    for (const auto &chunk : done) {
        context_.progress.chunk_done(chunk.table);
        log::debug(
            "chunk copied",
            {{"table", to_string(chunk.table)}, {"chunk", chunk.number}, {"rows", chunk.rows}, {"bytes", chunk.bytes}});
    }
    const std::lock_guard lock(mutex_);
    result_.chunks_done += static_cast<int>(done.size());
}

} // namespace walbridge::copy
