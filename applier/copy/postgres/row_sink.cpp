// row_sink.cpp: see row_sink.hpp.
#include "copy/postgres/row_sink.hpp"

#include "config/existing_tables.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/postgres/row_merge.hpp"
#include "dialect/postgres.hpp"
#include "schema/target_session.hpp"
#include "source/common_columns.hpp"
#include "target/postgres/origins.hpp"
#include "target/postgres/user_code.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <utility>

namespace walbridge::copy::postgres {
namespace {

using Targets = std::map<QualifiedName, source::Table>; ///< by their names there

/// Rows that were on the target before us are neither overwritten nor mixed with ours.
void refuse(pg::Session &target, const NameMap &names, const std::vector<Chunk> &chunks) {
    std::string sql;
    for (std::size_t place = 0; place < chunks.size(); ++place)
        if (chunks[place].existing != Existing::rows)
            sql += fmt::format("{}SELECT {} WHERE EXISTS (SELECT FROM ONLY {})", sql.empty() ? "" : " UNION ALL ",
                               place, dialect::postgres::quote(names.table(chunks[place].table)));
    if (sql.empty()) return;
    const auto found = target.query(sql);
    if (found.rows() == 0) return;
    const auto &table = chunks.at(static_cast<std::size_t>(found.number(0, 0))).table;
    throw Error(ErrorKind::copy_stage, names.describe(table),
                "the table is not empty on the target, and its rows are not ours",
                fmt::format("TRUNCATE {} on the target if its rows can go, or leave the table out.",
                            dialect::postgres::quote(names.table(table))));
}

/// A table that holds rows: through a temporary one, acting as its owner where its rows run code of that role.
Counts merge_as_owner(const TaskConfig &config, pg::Session &source, pg::Session &target, Merge merge,
                      const CopyWatch &watch) {
    target::ActingRole role(config, target);
    if (!target::tables_of_others(target, {merge.table.oid}).empty())
        merge.role = target::acting_owner(target, role, merge.table.oid);
    if (!merge.role.empty())
        target.execute("SET CONSTRAINTS ALL IMMEDIATE"); // a deferred trigger would run as our role, at the commit
    return merge_rows(source, target, merge, watch, [&](const std::function<void()> &work) {
        if (merge.role.empty()) return work();
        role.enter_owner(merge.role);
        work();
        role.leave_owner();
    });
}

/// Tables whose rows run code of their owner are copied one by one, as that role: no other statement of ours stands in
/// the text that such code can see.
std::vector<Counts> stream_as_owners(const TaskConfig &config, pg::Session &source, pg::Session &target,
                                     const std::vector<Leg> &legs, const CopyWatch &watch) {
    std::vector<std::uint32_t> oids;
    for (const auto &leg : legs) oids.push_back(leg.target_oid);
    const auto untrusted = target::tables_of_others(target, oids);
    if (untrusted.empty()) return stream_rows(source, target, legs, watch);
    target::ActingRole role(config, target);
    std::map<std::string, std::vector<std::size_t>> places; // by acting owner, the session's own role first
    for (std::size_t place = 0; place < legs.size(); ++place)
        places[untrusted.contains(legs[place].target_oid) ? target::acting_owner(target, role, legs[place].target_oid)
                                                          : std::string()]
            .push_back(place);
    std::vector<Counts> counts(legs.size());
    const auto stream = [&](const std::vector<std::size_t> &chosen) {
        std::vector<Leg> some;
        for (const auto place : chosen) some.push_back(legs[place]);
        const CopyWatch part{watch.stopping,
                             [&](std::size_t place, std::int64_t rows, std::int64_t bytes) {
                                 watch.more(chosen.at(place), rows, bytes);
                             },
                             watch.throttle};
        const auto counted = stream_rows(source, target, some, part);
        for (std::size_t place = 0; place < chosen.size(); ++place) counts[chosen[place]] = counted[place];
    };
    for (const auto &[owner, chosen] : places) {
        if (owner.empty()) {
            stream(chosen);
            continue;
        }
        target.execute("SET CONSTRAINTS ALL IMMEDIATE"); // a deferred trigger would run as our role, at the commit
        for (const auto place : chosen) {
            role.enter_owner(owner);
            stream({place});
            role.leave_owner();
        }
    }
    return counts;
}

class Sink final : public RowSink {
  public:
    Sink(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes, const Targets &targets,
         pg::Session session)
        : config_(config), tables_(tables), shapes_(shapes), targets_(targets), session_(std::move(session)) {}

    [[nodiscard]] sql::Session &session() override { return session_; }
    void refuse_rows(const std::vector<Chunk> &chunks) override { refuse(session_, config_.names, chunks); }
    std::vector<Counts> take(pg::Session &source, const std::vector<Chunk> &chunks, const CopyWatch &watch) override {
        std::vector<Leg> legs;
        std::vector<std::size_t> places; // of the legs
        std::vector<Counts> counts(chunks.size());
        const auto watch_from = [&](const std::vector<std::size_t> &from) {
            return CopyWatch{watch.stopping,
                             [&watch, from](std::size_t place, std::int64_t rows, std::int64_t bytes) {
                                 watch.more(from.at(place), rows, bytes);
                             },
                             watch.throttle};
        };
        for (std::size_t place = 0; place < chunks.size(); ++place) {
            if (chunks[place].existing == Existing::rows) {
                counts[place] = merge_as_owner(config_, source, session_, merge_of(chunks[place]), watch_from({place}));
                continue;
            }
            legs.push_back(leg_of(chunks[place], target_of(chunks[place])));
            places.push_back(place);
        }
        if (legs.empty()) return counts;
        const auto streamed = stream_as_owners(config_, source, session_, legs, watch_from(places));
        for (std::size_t place = 0; place < places.size(); ++place) counts[places[place]] = streamed[place];
        return counts;
    }
    [[noreturn]] void explain(const SqlError &error, const QualifiedName &table) override {
        explain_target_error(error, table, config_.names);
    }

  private:
    [[nodiscard]] const source::Table &target_of(const Chunk &chunk) const {
        const auto there = targets_.find(config_.names.table(chunk.table));
        if (there == targets_.end())
            throw Error(ErrorKind::target_shape, config_.names.describe(chunk.table),
                        "the table is missing on the target",
                        "Create it there, or let the schema stage do it (task.stages).");
        return there->second;
    }

    /// Of a table that was there before the task, the columns that both sides have.
    [[nodiscard]] source::CommonColumns common_of(const Chunk &chunk, const source::Table &there) const {
        auto common = source::common_columns(shapes_.at(chunk.source_oid), there);
        if (common.names.empty() && !common.left_out.empty())
            throw Error(ErrorKind::target_shape, config_.names.describe(chunk.table),
                        "the two sides have no column in common",
                        "Give the target's table the source's columns, or leave the table out with objects.exclude.");
        return common;
    }

    [[nodiscard]] Merge merge_of(const Chunk &chunk) const {
        const auto &there = target_of(chunk);
        auto staging = there;
        staging.name = staging_name();
        Merge merge{leg_of(chunk, staging), there, {}, overwrites_existing_rows(config_), {}};
        const auto &shape = shapes_.at(chunk.source_oid);
        for (const auto &column : common_of(chunk, there).names) merge.columns.push_back(shape.find(column)->target);
        for (const auto &[name, content] : shape.added) merge.columns.push_back(name);
        return merge;
    }

    [[nodiscard]] Leg leg_of(const Chunk &chunk, const source::Table &there) const {
        const auto &table = tables_.at(chunk.source_oid);
        const auto object = config_.names.describe(chunk.table);
        const auto *key = chunk_key(table);
        if (chunk.kind == ChunkKind::key && key == nullptr)
            throw Error(ErrorKind::copy_stage, object, "the key that its chunks are cut by is gone", "Reset the task.");
        const auto key_name = key != nullptr ? key->name : std::string();
        auto shape = shapes_.at(chunk.source_oid);
        if (chunk.existing != Existing::none)
            shape = source::without(std::move(shape), common_of(chunk, there).left_out);
        Cargo cargo{table, shape, there};
        for (const auto &[name, content] : shape.added)
            cargo.added.emplace(name, source::added_value_of_copy(content, config_, chunk.sync_lsn));
        return {make_transfer(cargo, chunk, key_name), object, there.oid};
    }

    const TaskConfig &config_;
    const SourceTables &tables_;
    const Shapes &shapes_;
    const Targets &targets_;
    pg::Session session_;
};

class Target final : public RowTarget {
  public:
    Target(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes, pg::Session &target)
        : config_(config), tables_(tables), shapes_(shapes) {
        for (auto &table : source::read_tables(target, source::Unlogged::bring))
            targets_.emplace(table.name, std::move(table));
    }

    /// Its rows are the task's, as those of the stream: they must not travel back, nor look as if somebody else had
    /// written them.
    [[nodiscard]] std::unique_ptr<RowSink> open() override {
        auto session = schema::open_target(config_, "copy");
        // Each worker begins at another name: one that is in use is an error in the server's log.
        const int workers = std::max(config_.copy.workers, 1), first = opened_++;
        std::vector<std::string> origins;
        for (int number = 0; number < workers; ++number)
            origins.push_back(config_.copy_origin_name((first + number) % workers + 1));
        target::use_free_origin(session, origins);
        return std::make_unique<Sink>(config_, tables_, shapes_, targets_, std::move(session));
    }

  private:
    const TaskConfig &config_;
    const SourceTables &tables_;
    const Shapes &shapes_;
    Targets targets_;
    std::atomic<int> opened_{0};
};

} // namespace

std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes,
                                           pg::Session &target) {
    return std::make_unique<Target>(config, tables, shapes, target);
}

} // namespace walbridge::copy::postgres
