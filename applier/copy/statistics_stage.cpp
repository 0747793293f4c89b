// statistics_stage.cpp: see statistics_stage.hpp.
#include "copy/statistics_stage.hpp"

#include "base/log.hpp"
#include "copy/table_statistics.hpp"
#include "dialect/postgres.hpp"
#include "schema/batch.hpp"
#include "schema/item_store.hpp"
#include "schema/target_session.hpp"
#include "schema/worker_pool.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::copy {
namespace {

using dialect::postgres::quote;
using schema::Item;

struct Relation {
    QualifiedName name;
    std::uint64_t bytes = 0;
    bool permitted = false;
};

bool of_statistics(const Item &item) { return item.section == schema::Section::statistics; }

/// Tables of the load as they are to be analyzed: partitions through their root.
std::vector<Relation> relations(pg::Session &target, const TaskConfig &config) {
    std::set<std::string> wanted; // schema.name, as views and the catalog's rows below write it
    const auto copied = target.query(
        "SELECT DISTINCT schema_name, table_name FROM walbridge.table_sync WHERE task = $1", {config.name});
    for (int row = 0; row < copied.rows(); ++row)
        wanted.insert(to_string(config.names.table({copied.text(row, 0), copied.text(row, 1)})));
    for (const auto &item : schema::load_items(target, config.name, false))
        if (item.type == "MATERIALIZED VIEW DATA") wanted.insert(item.name);

    const std::string may = "pg_catalog.pg_has_role(r.relowner, 'USAGE') OR pg_catalog.pg_has_role(d.datdba, 'USAGE')";
    const auto rows = target.query(fmt::format(
        "SELECT n.nspname || '.' || c.relname, r.oid, rn.nspname, r.relname, {}, coalesce((SELECT "
        "sum(pg_catalog.pg_relation_size(t.relid)) FROM pg_catalog.pg_partition_tree(r.oid) t), "
        "pg_catalog.pg_relation_size(r.oid))::bigint FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
        "n.oid "
        "= c.relnamespace JOIN pg_catalog.pg_class r ON r.oid = CASE WHEN c.relispartition THEN "
        "pg_catalog.pg_partition_root(c.oid) ELSE c.oid END JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace "
        "JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() WHERE c.relkind IN ('r', 'm') AND "
        "c.oid >= 16384",
        target.server_version() >= 170000 ? may + " OR pg_catalog.has_table_privilege(r.oid, 'MAINTAIN')" : may));
    std::map<QualifiedName, Relation> found;
    for (int row = 0; row < rows.rows(); ++row) {
        if (!wanted.contains(rows.text(row, 0))) continue;
        QualifiedName name{rows.text(row, 2), rows.text(row, 3)};
        found.emplace(name, Relation{name, static_cast<std::uint64_t>(rows.number(row, 5)), rows.flag(row, 4)});
    }
    std::vector<Relation> all;
    for (auto &[name, relation] : found) all.push_back(std::move(relation));
    return all;
}

void warn_about(const std::vector<Relation> &refused) {
    constexpr std::size_t named = 20;
    for (std::size_t at = 0; at < std::min(named, refused.size()); ++at)
        log::warning("the table's statistics cannot be gathered: the task's role does not own it",
                     {{"table", to_string(refused[at].name)}, {"remedy", "ANALYZE " + quote(refused[at].name) + ";"}});
    if (refused.size() > named)
        log::warning("further tables need an ANALYZE by their owner", {{"tables", refused.size() - named}});
}

/// Stores what is to be done; the items that are open, with the sizes of their tables.
std::vector<Item> plan(pg::Session &target, const LoadContext &context, std::map<std::string, std::uint64_t> &sizes) {
    const auto &task = context.config.name;
    const auto all = relations(target, context.config);
    std::vector<Relation> refused;
    std::vector<QualifiedName> names;
    for (const auto &relation : all) {
        sizes.emplace(to_string(relation.name), relation.bytes);
        names.push_back(relation.name);
        if (!relation.permitted) refused.push_back(relation);
    }
    // A table that was copied anew under a name that had its statistics is another table.
    std::set<std::string> without;
    for (const auto &name : without_statistics(target, names)) without.insert(to_string(name));
    context.fence.around(target, [&] {
        std::set<std::string> planned;
        std::vector<Item> again, more;
        for (const auto &item : schema::load_items(target, task, false)) {
            if (!of_statistics(item)) continue;
            planned.insert(item.name);
            if (item.done && without.contains(item.name)) again.push_back(item);
        }
        for (const auto &relation : all) {
            const auto name = to_string(relation.name);
            if (!relation.permitted || planned.contains(name)) continue;
            more.push_back({.section = schema::Section::statistics,
                            .type = "STATISTICS DATA",
                            .name = name,
                            .table = name,
                            .statement = "ANALYZE " + quote(relation.name),
                            .done = false});
        }
        schema::append_items(target, task, std::move(more));
        schema::mark_open(target, task, again);
    });
    warn_about(refused);
    auto open = schema::load_items(target, task, true);
    std::erase_if(open, [](const Item &item) { return !of_statistics(item); });
    return open;
}

void analyze(pg::Session &target, const LoadContext &context, const std::vector<Item> &items) {
    context.fence.around(target, [&] {
        const auto open = schema::lock_open_items(target, context.config.name, items);
        for (const auto &item : open) {
            target.execute("SAVEPOINT walbridge_analyze");
            try {
                target.execute(item.statement);
            } catch (const SqlError &error) {
                if (source::transient(error)) throw;
                target.execute("ROLLBACK TO SAVEPOINT walbridge_analyze");
                log::warning("the table's statistics could not be gathered",
                             {{"table", item.name}, {"reason", error.reason()}, {"remedy", item.statement + ";"}});
            }
            target.execute("RELEASE SAVEPOINT walbridge_analyze");
        }
        schema::mark_done(target, context.config.name, open);
    });
    for (std::size_t count = 0; count < items.size(); ++count) context.progress.item_done();
}

} // namespace

bool gather_statistics(const LoadContext &context) {
    if (!context.config.copy.analyze || !context.config.full_stage) return !context.stop.requested();
    source::RetryWindow retry(context.config.retry, context.stop, &context.progress.retries);
    std::vector<schema::Batch> batches;
    for (;;) {
        try {
            auto session = schema::open_target(context.config, "schema");
            std::map<std::string, std::uint64_t> sizes;
            const auto open = plan(session, context, sizes);
            batches = schema::index_batches(open, [&](const Item &item) {
                const auto found = sizes.find(item.name);
                return found == sizes.end() ? 0 : found->second;
            });
            if (open.empty()) return true;
            context.progress.enter(Phase::statistics, static_cast<int>(open.size()));
            log::info("gathering statistics", {{"tables", open.size()}});
            break;
        } catch (const Error &error) {
            if (!retry.again(error, "statistics")) return false;
        }
    }
    retry.succeeded();
    std::atomic<std::size_t> next{0};
    const auto workers = std::clamp<std::size_t>(
        batches.size(), 1, static_cast<std::size_t>(std::max(context.config.copy.index_workers, 1)));
    return schema::run_workers(static_cast<int>(workers), context.stop, [&](schema::WorkerSession &worker) {
        source::RetryWindow again(context.config.retry, context.stop, &context.progress.retries);
        for (auto at = next++; at < batches.size() && !worker.stopping();) {
            const auto &items = batches[at].items;
            try {
                analyze(worker.open([&] { return schema::open_target(context.config, "schema"); }), context, items);
                again.succeeded();
                at = next++;
            } catch (const Error &error) {
                worker.close();
                if (worker.stopping() || !again.again(error, "statistics of " + items.front().name)) return;
            }
        }
    });
}

} // namespace walbridge::copy
