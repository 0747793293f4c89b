// reconcile.cpp: see reconcile.hpp.
#include "copy/mysql/reconcile.hpp"

#include "base/log.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/chunk_store.hpp"
#include "copy/reconcile.hpp"
#include "dialect/mysql/quote.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace walbridge::copy::mysql {
namespace {

/// What stands for a table that is gone: every older change of it is spent.
std::vector<Chunk> spent(Chunk last, Lsn sync_lsn) {
    last.number = 0;
    last.kind = ChunkKind::whole;
    last.low = last.high = std::nullopt;
    last.done = true;
    last.sync_lsn = sync_lsn;
    return {last};
}

[[noreturn]] void refuse_definition(const TaskConfig &config, const QualifiedName &old_name) {
    throw Error(ErrorKind::copy_stage, config.names.describe(old_name),
                "its definition changed on the source before its copy was complete",
                "Change the table on the target in the same way and start over with walbridge reset --truncate, or "
                "leave it out with objects.exclude.");
}

} // namespace

std::vector<Chunk> reconcile(const LoadContext &context, pg::Session &source, const source::ExportedSnapshot &snapshot,
                             const SourceTables &tables, my::Session &target, const std::vector<Chunk> &chunks) {
    const auto &config = context.config;
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    std::map<std::uint32_t, std::vector<Chunk>> groups;
    for (const auto &chunk : chunks) groups[chunk.source_oid].push_back(chunk);
    std::vector<Chunk> all;
    for (auto &[oid, group] : groups) {
        const bool complete = std::ranges::all_of(group, &Chunk::done);
        const auto found = tables.find(oid);
        const auto *now = found == tables.end() || found->second.kind != 'r' ||
                                  !selection.matches(found->second.name.schema, found->second.name.name)
                              ? nullptr
                              : &found->second;
        const auto judgement = complete ? Judgement{} : judge(group, now);
        if (judgement.fate == Fate::gone) {
            log::warning(
                "the table was dropped or renamed out of the selection on the source: it is left out of the copy",
                {{"table", to_string(group.front().table)}});
            group = spent(group.front(), snapshot.lsn());
            context.fence.around(target, [&] { replace_chunks(target, config.name, oid, group); });
        } else if (judgement.fate == Fate::restart) {
            const auto old_name = group.front().table;
            if (judgement.new_definition) refuse_definition(config, old_name);
            const bool emptied = std::ranges::any_of(group, [](const Chunk &c) { return c.started || c.done; });
            group = plan_chunks(source, *now, config.copy, snapshot.lsn());
            log::info("the table starts again under a newer snapshot",
                      {{"table", to_string(old_name)}, {"chunks", group.size()}});
            // TRUNCATE commits by itself: first, so that a table with rows of ours is never taken for a fresh one.
            if (emptied) {
                context.fence.around(target, [] {});
                target.execute("TRUNCATE TABLE " + dialect::mysql::quote(config.names.table(old_name)));
            }
            context.fence.around(target, [&] { replace_chunks(target, config.name, oid, group); });
        }
        std::move(group.begin(), group.end(), std::back_inserter(all));
    }
    return all;
}

} // namespace walbridge::copy::mysql
