// reconcile.cpp: see reconcile.hpp.
#include "copy/mysql/reconcile.hpp"

#include "base/log.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/chunk_store.hpp"
#include "copy/reconcile.hpp"
#include "dialect/mysql/quote.hpp"
#include "schema/item_store.hpp"
#include "schema/mysql/definition_json.hpp"
#include "schema/mysql/definitions.hpp"
#include "schema/mysql/plan.hpp"
#include "schema/mysql/presence.hpp"
#include "schema/mysql/target_session.hpp"
#include "target/kind.hpp"
#include "target/mysql/ddl_target.hpp"
#include "target/mysql/value_policy.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

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
                "its definition changed on the source before its copy was complete, and the task has no schema stage",
                "Change the table on the target in the same way and start over with walbridge reset --truncate, or "
                "leave it out with objects.exclude.");
}

/// The source's tables as the snapshot shows them, read when the first definition has changed.
class Redefinition {
  public:
    Redefinition(const LoadContext &context, pg::Session &source, my::Session &target)
        : context_(context), source_(source), target_(target) {}

    /// Makes the table anew, empty, and stores what is still to be done for it in the caller's transaction. May be
    /// repeated after a crash in between.
    void make(const QualifiedName &old_source_name, std::uint32_t oid) {
        read();
        if (!ddl_) ddl_.emplace(schema::mysql::open_target(context_.config, "schema"));
        const auto &config = context_.config;
        const auto table = std::ranges::find(tables_, oid, &schema::mysql::SourceTable::oid);
        if (table == tables_.end()) refuse_definition(config, old_source_name);
        const auto old_name = config.names.table(old_source_name);
        const auto name = to_string(table->target);
        if (old_name != table->target)
            for (const auto &item : items_)
                if (item.type == "TABLE" && item.table == name) drop_if_empty(item, table->target);
        ddl_->execute("DROP TABLE IF EXISTS " + dialect::mysql::quote(old_name));
        later_.clear();
        for (const auto &item : items_) {
            if (item.type == "DATABASE" || (item.table == name && item.section == schema::Section::before_data))
                ddl_->execute(item.statement);
            else if (item.table == name)
                later_.push_back(item);
        }
        log::info("the table is made anew on the target by its new definition", {{"table", name}});
        old_name_ = to_string(old_name);
        oid_ = oid;
        definition_ = schema::mysql::to_json(*table);
    }

    void store() const {
        const auto &task = context_.config.name;
        schema::replace_table_items(target_, task, old_name_, later_);
        if (context_.config.ddl.off() || !context_.config.incremental_stage) return;
        target::store_table_definition(target_, task, oid_, definition_);
    }

  private:
    void read() {
        if (!items_.empty()) return;
        const auto &config = context_.config;
        tables_ = schema::mysql::read_selected_tables(config, source_);
        auto made = schema::mysql::make_definitions(tables_, {.flavour = target::flavour(config),
                                                              .policy = target::mysql::value_policy(config),
                                                              .shape = schema::mysql::table_shaper(config)});
        schema::mysql::refuse_errors(made);
        items_ = std::move(made.items);
    }

    /// A table of the new name may be ours, from before a crash, or somebody else's with rows in it.
    void drop_if_empty(const schema::Item &item, const QualifiedName &name) {
        if (ddl_->value(schema::mysql::presence_query(item)) == "0") return;
        const auto quoted = dialect::mysql::quote(name);
        if (ddl_->query("SELECT 1 FROM " + quoted + " LIMIT 1").rows() != 0)
            throw Error(ErrorKind::target_shape, to_string(name),
                        "the source renamed a table to this name during the copy, and the target has one that holds "
                        "rows",
                        "Drop or rename it on the target, then run the task again.");
        ddl_->execute("DROP TABLE " + quoted);
    }

    const LoadContext &context_;
    pg::Session &source_;
    my::Session &target_;
    std::optional<my::Session> ddl_; ///< without checks of foreign keys
    std::vector<schema::mysql::SourceTable> tables_;
    std::vector<schema::Item> items_, later_;
    std::string old_name_, definition_;
    std::uint32_t oid_ = 0;
};

} // namespace

std::vector<Chunk> reconcile(const LoadContext &context, pg::Session &source, const source::ExportedSnapshot &snapshot,
                             const SourceTables &tables, my::Session &target, const std::vector<Chunk> &chunks) {
    const auto &config = context.config;
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    std::map<std::uint32_t, std::vector<Chunk>> groups;
    for (const auto &chunk : chunks) groups[chunk.source_oid].push_back(chunk);
    Redefinition redefinition(context, source, target);
    std::vector<Chunk> all;
    for (auto &[key, list] : groups) {
        const auto oid = key;
        auto &group = list;
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
            const auto existing = group.front().existing;
            refuse_mixed_restart(group, config.names);
            if (judgement.new_definition && !config.schema_stage && existing == Existing::none)
                refuse_definition(config, old_name);
            const bool remade = judgement.new_definition && existing == Existing::none;
            const bool emptied = existing != Existing::rows &&
                                 std::ranges::any_of(group, [](const Chunk &c) { return c.started || c.done; });
            group = plan_again(source, *now, group, config, snapshot.lsn());
            log::info("the table starts again under a newer snapshot",
                      {{"table", to_string(old_name)}, {"chunks", group.size()}});
            // TRUNCATE commits by itself: first, so that a table with rows of ours is never taken for a fresh one.
            if (emptied || remade) context.fence.around(target, [] {});
            if (remade)
                redefinition.make(old_name, oid);
            else if (emptied)
                target.execute("TRUNCATE TABLE " + dialect::mysql::quote(config.names.table(old_name)));
            context.fence.around(target, [&] {
                replace_chunks(target, config.name, oid, group);
                if (remade) redefinition.store();
            });
        }
        std::move(group.begin(), group.end(), std::back_inserter(all));
    }
    return all;
}

} // namespace walbridge::copy::mysql
