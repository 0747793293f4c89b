// initial_load.cpp: the order of the load: schema before the data, passes over the data until nothing is missing,
// schema after it.
#include "copy/initial_load.hpp"

#include "base/log.hpp"
#include "copy/admission.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/chunk_store.hpp"
#include "copy/existing_tables.hpp"
#include "copy/large_objects.hpp"
#include "copy/mysql/statistics_stage.hpp"
#include "copy/pass.hpp"
#include "copy/reconcile.hpp"
#include "copy/statistics_stage.hpp"
#include "copy/table_guard.hpp"
#include "copy/target_side.hpp"
#include "schema/item_store.hpp"
#include "schema/target_session.hpp"
#include "sequence/sequences.hpp"
#include "source/source_guard.hpp"
#include "target/state_session.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <optional>
#include <unistd.h>

namespace walbridge::copy {
namespace {

/// On the source, beside its chunks: what the catalog says about all tables.
constexpr std::uint64_t queries_of_a_pass = 10;

/// Temporary slots of one process have names of their own: the server may need a moment to see that an older one's
/// client is gone.
std::string fresh_slot_name(const TaskConfig &config) {
    static std::atomic<int> count{0};
    constexpr std::size_t longest = 63 - 12; // a sync task's name is longer than a file may give
    return fmt::format("{}_c{}_{}", config.slot_name().substr(0, longest), getpid() % 100000, ++count % 10000);
}

void report_tables(Progress &progress, const std::vector<Chunk> &chunks) {
    std::map<QualifiedName, TableProgress> tables;
    for (const auto &chunk : chunks) {
        auto &table = tables[chunk.table];
        table.table = chunk.table;
        table.estimated_rows += chunk.estimated_rows;
        table.estimated_bytes += chunk.estimated_bytes;
        ++table.chunks;
        if (!chunk.done) continue;
        ++table.chunks_done;
        table.rows += chunk.rows;
        table.bytes += chunk.bytes;
    }
    for (const auto &known : progress.snapshot().tables)
        if (!tables.contains(known.table)) progress.remove_table(known.table); // renamed or gone
    for (auto &[name, table] : tables) progress.set_table(std::move(table));
}

std::map<std::uint32_t, source::Table> by_oid(std::vector<source::Table> list) {
    std::map<std::uint32_t, source::Table> tables;
    for (auto &table : list) tables.emplace(table.oid, std::move(table));
    return tables;
}

std::vector<Chunk> open_of(const std::vector<Chunk> &chunks) {
    std::vector<Chunk> open;
    std::copy_if(chunks.begin(), chunks.end(), std::back_inserter(open),
                 [](const Chunk &chunk) { return !chunk.done; });
    return open;
}

/// The full stage: passes until every chunk is done.
class DataStage {
  public:
    DataStage(LoadContext context, const std::string &plugin) : context_(std::move(context)), plugin_(plugin) {}

    bool run(source::ExportedSnapshot *first) {
        source::RetryWindow retry(context_.config.retry, context_.stop, &context_.progress.retries);
        while (!context_.stop.requested()) {
            try {
                const auto outcome = one_pass(first);
                if (outcome == Outcome::complete) return true;
                if (outcome == Outcome::progressed)
                    retry.succeeded();
                else if (!context_.stop.requested())
                    throw Error(ErrorKind::connection, "copy", "a pass ended without a finished chunk",
                                "Look at the warnings before this line.");
            } catch (const Error &error) {
                if (copying_) throw; // the workers have used up their own retries
                if (!retry.again(error, "copy")) return false;
            }
            first = nullptr;
        }
        return false;
    }

  private:
    enum class Outcome { complete, progressed, stuck };

    Outcome one_pass(source::ExportedSnapshot *first) {
        // What reconciling changes here, the pass's workers rely on: it survives a crash of the target during the pass.
        const auto session = open_load_session(context_.config);
        auto &target = *session;
        auto chunks = load_chunks(target, context_.config.name);
        report_tables(context_.progress, chunks);
        if (open_of(chunks).empty()) return Outcome::complete;
        // Before anything is locked and a snapshot keeps row versions alive.
        if (!context_.throttle.pass({}, [&] { return context_.stop.requested(); })) return Outcome::stuck;
        const bool planned_under_it = first != nullptr && first->alive();
        TableGuard guard(context_.config, planned_under_it ? std::vector<QualifiedName>() : restless());
        std::unique_ptr<source::ExportedSnapshot> fresh;
        if (!planned_under_it)
            fresh = std::make_unique<source::ExportedSnapshot>(
                context_.config.source.endpoint,
                source::SlotRequest{fresh_slot_name(context_.config), source::SlotLife::temporary, plugin_,
                                    context_.config.application_name("snapshot")},
                context_.stop);
        auto &snapshot = planned_under_it ? *first : *fresh;
        auto held = guard.import(snapshot.name());
        for (const auto &name : guard.held()) // whatever comes of it, the next pass is one for all again
            std::erase_if(changed_, [&](const auto &entry) { return entry.second.first == name; });
        if (!context_.throttle.pass({.queries = queries_of_a_pass}, [&] { return context_.stop.requested(); }))
            return Outcome::stuck;
        pg::Session catalog(context_.config.source.endpoint, {context_.config.application_name("catalog"), false, {}});
        source::import_snapshot(catalog, snapshot.name());
        auto list = source::read_tables(catalog, source::Unlogged::bring);
        source::learn_partitions(context_.config.names, list);
        source::Shaper shaper(context_.config, catalog);
        const auto tables = by_oid(std::move(list));
        std::set<std::uint32_t> changed_again;
        if (!planned_under_it) {
            auto reconciled = reconcile_target(context_, catalog, snapshot, tables, target, chunks);
            chunks = std::move(reconciled.chunks);
            changed_again = std::move(reconciled.changed_again);
            report_tables(context_.progress, chunks);
        }
        Shapes shapes;
        for (const auto &chunk : chunks)
            if (const auto table = tables.find(chunk.source_oid); !chunk.done && table != tables.end())
                if (!shapes.contains(table->first)) shapes.emplace(table->first, shaper.shape(table->second));
        const auto rows = make_row_target(context_.config, tables, shapes, catalog, target);
        catalog.rollback_quietly();
        auto open = open_of(chunks);
        if (held)
            std::erase_if(open, [kept = guard.held()](const Chunk &chunk) { return !kept.contains(chunk.table); });
        std::erase_if(open, [&](const Chunk &chunk) { return changed_again.contains(chunk.source_oid); });
        log::info("copy begins", {{"chunks", open.size()},
                                  {"of", chunks.size()},
                                  {"snapshot", snapshot.name()},
                                  {"sync_lsn", to_string(snapshot.lsn())}});
        copying_ = true;
        auto result = Pass(context_, snapshot, tables, *rows, open, std::move(held)).run();
        copying_ = false;
        result.changed.merge(changed_again);
        for (const auto oid : result.changed) {
            auto &[name, times] = changed_[oid];
            name = tables.at(oid).name;
            ++times;
        }
        log::info("copy pass ended", {{"chunks_done", result.chunks_done},
                                      {"tables_changed", result.changed.size()},
                                      {"stopped", result.stopped}});
        const bool moved = result.chunks_done > 0 || !result.changed.empty() || open.empty() || result.let_go;
        return moved ? Outcome::progressed : Outcome::stuck;
    }

    /// Tables that changed under two snapshots: only a lock taken before the next one lets their copy begin.
    std::vector<QualifiedName> restless() const {
        std::vector<QualifiedName> tables;
        for (const auto &[oid, change] : changed_)
            if (change.second >= 2) tables.push_back(change.first);
        return tables;
    }

    const LoadContext context_;
    const std::string &plugin_;
    std::map<std::uint32_t, std::pair<QualifiedName, int>> changed_; ///< name, and under how many snapshots
    bool copying_ = false;                                           ///< a pass has begun and did not come to its end
};

/// A synchronous commit flushes what was committed before it. True when nothing is missing after it.
bool flushed_and_complete(const TaskConfig &config, const sql::Fence &fence, const StopToken &stop,
                          RetryBoard &retries) {
    source::RetryWindow retry(config.retry, stop, &retries);
    for (;;) {
        try {
            const auto session = open_load_session(config);
            flush_commits(*session, config, fence);
            return InitialLoad::complete(*session, config.name);
        } catch (const Error &error) {
            if (!retry.again(error, "flush of the target")) return false;
        }
    }
}

bool admitted(const LoadContext &context) {
    source::RetryWindow retry(context.config.retry, context.stop, &context.progress.retries);
    for (;;) {
        try {
            admit_tables(context.config, context.fence, context.stop);
            return true;
        } catch (const Error &error) {
            if (!retry.again(error, "new tables")) return false;
        }
    }
}

/// Sequences are no rows of the snapshot: the target's stand where the source's stand now, ahead of what was copied.
bool sequences_brought(const LoadContext &context) {
    source::RetryWindow retry(context.config.retry, context.stop, &context.progress.retries);
    for (;;) {
        try {
            pg::Session source(context.config.source.endpoint,
                               {context.config.application_name("sequences"), false, {}});
            auto target = schema::open_target(context.config, "sequences");
            const auto result =
                sequence::bring(source, target, sequence::selected(source, context.config), [&](pg::Session &session) {
                    context.fence.hold(session);
                    return true;
                });
            for (const auto &left : result.missing)
                log::warning("a sequence is not set", {{"sequence", sequence::describe(left)}});
            for (const auto &left : result.refused)
                log::warning("a sequence is not set",
                             {{"sequence", sequence::describe(left)}, {"remedy", left.remedy}});
            log::info("sequences are set", {{"sequences", result.selected}, {"changed", result.written}});
            return true;
        } catch (const Error &error) {
            if (!retry.again(error, "sequences")) return false;
        }
    }
}

} // namespace

InitialLoad::InitialLoad(const TaskConfig &config, const StopToken &stop, Progress &progress, Throttle &throttle,
                         std::string slot_plugin)
    : config_(config), stop_(stop), progress_(progress), throttle_(throttle), slot_plugin_(std::move(slot_plugin)) {}

LoadPlan InitialLoad::plan(source::ExportedSnapshot &snapshot) const {
    LoadPlan plan;
    pg::Session source(config_.source.endpoint, {config_.application_name("plan"), false, {}});
    source::import_snapshot(source, snapshot.name());
    auto definitions = plan_definitions(config_, source, snapshot.name(), stop_);
    plan.items = std::move(definitions.items);
    plan.definitions = std::move(definitions.followed);
    const auto existing = find_existing(config_, source);
    for (const auto &[name, what] : existing) plan.existing.push_back(name);
    if (config_.full_stage) {
        const wire::ObjectSelection selection(config_.objects.include, config_.objects.exclude);
        for (const auto &table : source::read_tables(source, source::Unlogged::bring)) {
            if (table.kind != 'r' || !selection.matches(table.name.schema, table.name.name)) continue;
            const auto there = existing.find(config_.names.table(table.name));
            auto chunks = there == existing.end()
                              ? plan_chunks(source, table, config_.copy, snapshot.lsn())
                              : plan_chunks(source, table, config_.copy, snapshot.lsn(), there->second.existing,
                                            !may_be_cut(table, there->second, config_.names));
            std::move(chunks.begin(), chunks.end(), std::back_inserter(plan.chunks));
        }
        if (config_.objects.large_objects == "copy") plan.large_objects = list_large_objects(source);
    }
    log::info("initial load planned", {{"schema_objects", plan.items.size()}, {"chunks", plan.chunks.size()}});
    return plan;
}

void InitialLoad::store(const LoadPlan &plan, sql::Session &target) const {
    schema::store_items(target, config_.name, plan.items);
    store_followed_definitions(target, config_.name, plan.definitions);
    store_chunks(target, config_.name, plan.chunks);
    store_large_objects(target, config_.name, plan.large_objects);
}

bool InitialLoad::run(std::uint64_t epoch, source::ExportedSnapshot *first) {
    const sql::Fence fence(config_.name, epoch);
    const auto phase_of = [](schema::Section section) {
        switch (section) {
        case schema::Section::before_data: return Phase::before_data;
        case schema::Section::index: return Phase::indexes;
        case schema::Section::foreign_key: return Phase::foreign_keys;
        case schema::Section::after_data: return Phase::after_data;
        case schema::Section::statistics: return Phase::statistics;
        }
        return Phase::after_data;
    };
    const LoadContext context{config_, fence, stop_, progress_, throttle_};
    // What MySQL does not have: DDL that brings tables, large objects, sequences.
    const bool postgres = !target::is_mysql(config_);
    if (postgres && !admitted(context)) return false;
    const auto schema_stage =
        make_definition_stage(config_, fence, stop_,
                              {[&](schema::Section section, int items) { progress_.enter(phase_of(section), items); },
                               [&] { progress_.item_done(); }, &progress_.retries});
    // Transactions of the load commit without waiting for the disk, so a crash of the target may take the last of them
    // back, done flags included. The loop ends when everything is done after a flush.
    for (;;) {
        if (!schema_stage->run_before_data()) return false;
        progress_.enter(Phase::data);
        {
            std::optional<source::GuardWatch> guard;
            if (config_.guard.on()) guard.emplace(config_, "copy", throttle_, progress_.guard);
            if (!DataStage(context, slot_plugin_).run(first)) return false;
            if (postgres && !copy_large_objects(context, first)) return false;
        }
        if (!schema_stage->run_after_data()) return false;
        if (!(postgres ? gather_statistics(context) : mysql::gather_statistics(context))) return false;
        if (postgres && config_.full_stage && !sequences_brought(context)) return false;
        if (flushed_and_complete(config_, fence, stop_, progress_.retries)) break;
        if (stop_.requested()) return false;
        log::warning("the target lost work of the load in a crash: doing it again");
        first = nullptr;
    }
    progress_.enter(Phase::done);
    return true;
}

bool InitialLoad::complete(sql::Session &target, const std::string &task) {
    return !target.ask_value("SELECT 1 FROM walbridge.table_sync WHERE task = $1 AND NOT done UNION ALL "
                             "SELECT 1 FROM walbridge.large_object WHERE task = $1 AND NOT done UNION ALL "
                             "SELECT 1 FROM walbridge.schema_item WHERE task = $1 AND NOT done LIMIT 1",
                             {task});
}

} // namespace walbridge::copy
