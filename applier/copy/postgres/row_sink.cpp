// row_sink.cpp: see row_sink.hpp.
#include "copy/postgres/row_sink.hpp"

#include "copy/chunk_planner.hpp"
#include "dialect/postgres.hpp"
#include "schema/target_session.hpp"
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
        sql += fmt::format("{}SELECT {} WHERE EXISTS (SELECT FROM ONLY {})", place == 0 ? "" : " UNION ALL ", place,
                           dialect::postgres::quote(names.table(chunks[place].table)));
    const auto found = target.query(sql);
    if (found.rows() == 0) return;
    const auto &table = chunks.at(static_cast<std::size_t>(found.number(0, 0))).table;
    throw Error(ErrorKind::copy_stage, names.describe(table),
                "the table is not empty on the target, and its rows are not ours",
                fmt::format("TRUNCATE {} on the target if its rows can go, or leave the table out.",
                            dialect::postgres::quote(names.table(table))));
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
    Sink(const TaskConfig &config, const SourceTables &tables, const Targets &targets, pg::Session session)
        : config_(config), tables_(tables), targets_(targets), session_(std::move(session)) {}

    [[nodiscard]] sql::Session &session() override { return session_; }
    void refuse_rows(const std::vector<Chunk> &chunks) override { refuse(session_, config_.names, chunks); }
    std::vector<Counts> take(pg::Session &source, const std::vector<Chunk> &chunks, const CopyWatch &watch) override {
        std::vector<Leg> legs;
        for (const auto &chunk : chunks) legs.push_back(leg_of(chunk));
        return stream_as_owners(config_, source, session_, legs, watch);
    }
    [[noreturn]] void explain(const SqlError &error, const QualifiedName &table) override {
        explain_target_error(error, table, config_.names);
    }

  private:
    [[nodiscard]] Leg leg_of(const Chunk &chunk) const {
        const auto &table = tables_.at(chunk.source_oid);
        const auto there = targets_.find(config_.names.table(chunk.table));
        const auto object = config_.names.describe(chunk.table);
        if (there == targets_.end())
            throw Error(ErrorKind::target_shape, object, "the table is missing on the target",
                        "Create it there, or let the schema stage do it (task.stages).");
        const auto *key = chunk_key(table);
        if (chunk.kind == ChunkKind::key && key == nullptr)
            throw Error(ErrorKind::copy_stage, object, "the key that its chunks are cut by is gone", "Reset the task.");
        return {make_transfer(table, there->second, chunk, key != nullptr ? key->name : std::string()), object,
                there->second.oid};
    }

    const TaskConfig &config_;
    const SourceTables &tables_;
    const Targets &targets_;
    pg::Session session_;
};

class Target final : public RowTarget {
  public:
    Target(const TaskConfig &config, const SourceTables &tables, pg::Session &target)
        : config_(config), tables_(tables) {
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
        return std::make_unique<Sink>(config_, tables_, targets_, std::move(session));
    }

  private:
    const TaskConfig &config_;
    const SourceTables &tables_;
    Targets targets_;
    std::atomic<int> opened_{0};
};

} // namespace

std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables, pg::Session &target) {
    return std::make_unique<Target>(config, tables, target);
}

} // namespace walbridge::copy::postgres
