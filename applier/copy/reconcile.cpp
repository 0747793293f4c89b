// reconcile.cpp: see reconcile.hpp. Each tree of partitioned or inheriting tables is settled in one target transaction,
// because an ALTER of one of them reaches the others.
#include "copy/reconcile.hpp"

#include "base/log.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/chunk_store.hpp"
#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"
#include "schema/item_store.hpp"
#include "schema/names.hpp"
#include "schema/plan.hpp"
#include "schema/redefine.hpp"
#include "schema/target_session.hpp"
#include "target/postgres/user_code.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <set>

namespace walbridge::copy {
namespace {

using Tables = std::map<std::uint32_t, source::Table>;
using Grouped = std::map<std::uint32_t, std::vector<Chunk>>;

std::string_view columns_part(const std::string &fingerprint) {
    return std::string_view(fingerprint).substr(std::min(fingerprint.find(':'), fingerprint.size()));
}

bool complete(const std::vector<Chunk> &chunks) {
    return std::all_of(chunks.begin(), chunks.end(), [](const Chunk &c) { return c.done; });
}

std::uint32_t root_of(const Tables &tables, std::uint32_t oid) {
    for (;;) {
        const auto found = tables.find(oid);
        if (found == tables.end() || found->second.parent_oid == 0 || !tables.contains(found->second.parent_oid))
            return oid;
        oid = found->second.parent_oid;
    }
}

/// Empties a table of ours. Foreign keys of a table that was there before us refuse TRUNCATE, and so may its rights.
void empty(pg::Session &target, const QualifiedName &table) {
    const auto name = dialect::postgres::quote(table);
    target.execute("SAVEPOINT walbridge_truncate");
    try {
        target.execute("TRUNCATE ONLY " + name);
    } catch (const SqlError &error) {
        if (error.sqlstate() != "0A000" && error.sqlstate() != "42501") throw;
        target.execute("ROLLBACK TO SAVEPOINT walbridge_truncate");
        target.execute("DELETE FROM ONLY " + name);
    }
}

/// One table that starts again, with all that was read from the source for it before the target's transaction.
struct Restart {
    source::Table table;
    QualifiedName old_name;
    bool holds_rows = false; ///< has chunks; parents of a tree only get their columns
    bool emptied = false;    ///< may hold rows of ours
    bool redefine = false;   ///< its definition is ours and changed
    std::vector<Chunk> chunks;
    std::vector<schema::Item> items;
};

class Reconciler {
  public:
    Reconciler(const LoadContext &context, pg::Session &source, const source::ExportedSnapshot &snapshot,
               const Tables &tables, pg::Session &target)
        : context_(context), source_(source), snapshot_(snapshot), tables_(tables), target_(target),
          selection_(context.config.objects.include, context.config.objects.exclude), shaper_(context.config, source) {}

    void settle(Grouped &groups) {
        std::map<std::uint32_t, std::set<std::uint32_t>> trees; // root -> tables to restart
        std::set<std::uint32_t> redefined;                      // roots whose definition changed
        for (auto &[oid, chunks] : groups) {
            if (complete(chunks)) continue;
            const auto judgement = judge(chunks, selected(oid));
            if (judgement.fate == Fate::gone) forget(chunks);
            if (judgement.fate != Fate::restart) continue;
            const auto root = root_of(tables_, oid);
            trees[root].insert(oid);
            if (judgement.new_definition) redefined.insert(root);
        }
        for (const auto root : redefined)
            for (const auto &[oid, chunks] : groups)
                if (selected(oid) != nullptr && root_of(tables_, oid) == root) trees[root].insert(oid);
        for (const auto &[root, oids] : trees) restart_unless_altered(groups, oids, redefined.contains(root));
    }

    std::set<std::uint32_t> changed_again;

  private:
    std::vector<schema::CheckConstraint> checks_there(const QualifiedName &source_name) {
        const auto oid = target_.value("SELECT pg_catalog.to_regclass($1)::oid",
                                       {dialect::postgres::quote(names().table(source_name))});
        if (!oid) return {};
        return schema::read_checks(target_, static_cast<std::uint32_t>(std::stoul(*oid)));
    }

    const NameMap &names() const { return context_.config.names; }

    /// With those of sequences that move with their tables: defaults mention them.
    const NameMap &names_of_all_objects() {
        if (names().empty()) return names();
        if (!complete_names_) complete_names_ = schema::complete_names(names(), source::read_object_graph(source_));
        return *complete_names_;
    }

    /// The table under the new snapshot, if it still is one we copy.
    const source::Table *selected(std::uint32_t oid) const {
        const auto found = tables_.find(oid);
        if (found == tables_.end() || found->second.kind != 'r') return nullptr;
        return selection_.matches(found->second.name.schema, found->second.name.name) ? &found->second : nullptr;
    }

    void forget(std::vector<Chunk> &chunks) {
        auto last = chunks.front();
        last.number = 0;
        last.kind = ChunkKind::whole;
        last.low = last.high = std::nullopt;
        last.done = true;
        last.sync_lsn = snapshot_.lsn();
        log::warning("the table was dropped or renamed out of the selection on the source: it is left out of the copy",
                     {{"table", to_string(last.table)}});
        context_.fence.around(target_, [&] { replace_chunks(target_, context_.config.name, last.source_oid, {last}); });
        chunks = {last};
    }

    /// Expressions and names come from the server as they are now, columns from the snapshot: an ALTER between the two
    /// makes a definition that never was. Neither the task nor the source has to mend that.
    void restart_unless_altered(Grouped &groups, const std::set<std::uint32_t> &oids, bool new_definition) {
        source_.execute("SAVEPOINT walbridge_restart");
        try {
            restart(groups, oids, new_definition);
        } catch (const Error &error) {
            if (!new_definition || error.kind() == ErrorKind::fenced || !altered_again(oids)) throw;
            log::warning("the table was changed on the source after the snapshot: it starts again under a newer one",
                         {{"table", to_string(tables_.at(*oids.begin()).name)}, {"reason", error.reason()}});
            changed_again.insert(oids.begin(), oids.end());
            source_.execute("ROLLBACK TO SAVEPOINT walbridge_restart");
        }
        source_.execute("RELEASE SAVEPOINT walbridge_restart");
    }

    bool altered_again(std::set<std::uint32_t> oids) const {
        const auto tables = oids;
        for (const auto oid : tables)
            for (auto parent = tables_.at(oid).parent_oid; parent != 0 && tables_.contains(parent);
                 parent = tables_.at(parent).parent_oid)
                oids.insert(parent);
        pg::Session now(context_.config.source.endpoint, {context_.config.application_name("catalog"), false, {}});
        return !source::changed_since(now, tables_, oids).empty();
    }

    void restart(Grouped &groups, const std::set<std::uint32_t> &oids, bool new_definition) {
        std::map<std::uint32_t, Restart> work;
        for (const auto oid : oids) {
            const auto &chunks = groups.at(oid);
            refuse_mixed_restart(chunks, names());
            const auto existing = chunks.front().existing;
            auto &one = work[oid];
            one.redefine = new_definition && context_.config.schema_stage && existing == Existing::none;
            one.table = tables_.at(oid);
            one.old_name = chunks.front().table;
            one.holds_rows = true;
            one.emptied = existing != Existing::rows &&
                          std::any_of(chunks.begin(), chunks.end(), [](const Chunk &c) { return c.started || c.done; });
            one.chunks = plan_again(source_, one.table, chunks, context_.config, snapshot_.lsn());
            if (one.redefine)
                one.items = schema::plan_table_after_data(context_.config, source_, snapshot_.name(), oid,
                                                          one.table.name, context_.stop);
            log::info("the table starts again under a newer snapshot", {{"table", to_string(one.table.name)},
                                                                        {"new_definition", new_definition},
                                                                        {"chunks", one.chunks.size()}});
        }
        add_parents(work);
        context_.fence.around(target_, [&] { write(work); });
        for (auto &[oid, one] : work)
            if (one.holds_rows) groups[oid] = std::move(one.chunks);
    }

    /// Columns of a partition follow those of its parents.
    void add_parents(std::map<std::uint32_t, Restart> &work) const {
        std::set<std::uint32_t> parents;
        for (const auto &[oid, one] : work)
            for (auto parent = one.table.parent_oid; one.redefine && parent != 0 && tables_.contains(parent);
                 parent = tables_.at(parent).parent_oid)
                if (!work.contains(parent)) parents.insert(parent);
        for (const auto oid : parents)
            work.emplace(oid, Restart{tables_.at(oid), tables_.at(oid).name, false, false, true, {}, {}});
    }

    int depth(std::uint32_t oid) const {
        int depth = 0;
        for (auto parent = tables_.at(oid).parent_oid; parent != 0 && tables_.contains(parent);
             parent = tables_.at(parent).parent_oid)
            ++depth;
        return depth;
    }

    void write(const std::map<std::uint32_t, Restart> &work) {
        std::vector<const Restart *> order; // parents first: their columns reach the children
        for (const auto &[oid, one] : work) order.push_back(&one);
        std::stable_sort(order.begin(), order.end(),
                         [&](const auto *a, const auto *b) { return depth(a->table.oid) < depth(b->table.oid); });
        for (const auto *one : order)
            if (one->emptied) empty(target_, names().table(one->old_name));
        for (const auto *one : order) {
            if (one->redefine) {
                auto table = one->table;
                source::read_defaults(source_, table);
                auto checks = schema::read_checks(source_, table.oid);
                if (const auto shape = shaper_.shape(table); !shape.plain()) {
                    table = schema::reshaped(table, shape);
                    checks = checks_there(one->old_name); // they may speak of columns that do not travel
                }
                schema::redefine(target_, one->old_name, table, checks, names_of_all_objects(),
                                 [&](std::uint32_t oid, const auto &body) {
                                     if (target::tables_of_others(target_, {oid}).empty()) return body();
                                     target::ActingRole role(context_.config, target_);
                                     if (!role.confines()) return body();
                                     role.enter_owner(target::read_owner(target_, oid).name);
                                     body();
                                     role.leave_owner();
                                 });
            }
            if (!one->holds_rows) continue;
            replace_chunks(target_, context_.config.name, one->table.oid, one->chunks);
            if (one->redefine)
                schema::replace_table_items(target_, context_.config.name, to_string(names().table(one->old_name)),
                                            one->items);
        }
    }

    const LoadContext &context_;
    pg::Session &source_;
    const source::ExportedSnapshot &snapshot_;
    const Tables &tables_;
    pg::Session &target_;
    const wire::ObjectSelection selection_;
    source::Shaper shaper_;
    std::optional<NameMap> complete_names_;
};

} // namespace

Judgement judge(const std::vector<Chunk> &chunks, const source::Table *now) {
    if (now == nullptr) return {Fate::gone, false};
    const auto &first = chunks.front();
    const auto fingerprint = source::fingerprint(*now);
    const bool new_definition =
        now->name != first.table || columns_part(fingerprint) != columns_part(first.fingerprint);
    if (new_definition || fingerprint != first.fingerprint) return {Fate::restart, new_definition};
    const bool by_blocks =
        std::any_of(chunks.begin(), chunks.end(), [](const Chunk &c) { return c.kind == ChunkKind::ctid; });
    return {by_blocks ? Fate::restart : Fate::keep, false};
}

void refuse_mixed_restart(const std::vector<Chunk> &chunks, const NameMap &names) {
    const auto mixed =
        std::ranges::any_of(chunks, [](const Chunk &chunk) { return chunk.existing == Existing::rows && chunk.done; });
    if (!mixed) return;
    const auto &table = chunks.front().table;
    throw Error(
        ErrorKind::copy_stage, names.describe(table),
        "it was rewritten, truncated, altered or renamed on the source while a part of it had been copied to "
        "rows that the target held before: nothing tells them apart any more",
        "Start over with walbridge reset. The rows stay on the target, so remove those that were copied, or set "
        "objects.existing_rows = \"overwrite\".");
}

std::vector<Chunk> plan_again(pg::Session &source, const source::Table &table, const std::vector<Chunk> &chunks,
                              const TaskConfig &config, Lsn sync_lsn) {
    const auto by_keys = std::ranges::any_of(chunks, [](const Chunk &chunk) { return chunk.kind == ChunkKind::key; });
    return plan_chunks(source, table, config.copy, sync_lsn, chunks.front().existing, !by_keys);
}

Reconciled reconcile(const LoadContext &context, pg::Session &source, const source::ExportedSnapshot &snapshot,
                     const Tables &tables, pg::Session &target, const std::vector<Chunk> &chunks) {
    Grouped groups;
    for (const auto &chunk : chunks) groups[chunk.source_oid].push_back(chunk);
    Reconciler reconciler(context, source, snapshot, tables, target);
    reconciler.settle(groups);
    Reconciled result{{}, std::move(reconciler.changed_again)};
    for (auto &[oid, group] : groups) std::move(group.begin(), group.end(), std::back_inserter(result.chunks));
    return result;
}

} // namespace walbridge::copy
