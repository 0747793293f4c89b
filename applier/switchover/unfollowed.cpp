// unfollowed.cpp: see unfollowed.hpp.
#include "switchover/unfollowed.hpp"

#include "copy/large_objects.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "switchover/listing.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>
#include <vector>

namespace walbridge::switchover {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char *query_canceled = "57014";

/// What a statement of the session may take, as long as this lives.
class StatementLimit {
  public:
    StatementLimit(pg::Session &session, milliseconds limit) : session_(session) { set(limit); }
    ~StatementLimit() {
        try {
            session_.rollback_quietly();
            session_.execute("RESET statement_timeout");
        } catch (const Error &) { // the session is gone: whoever uses it next will say so
        }
    }
    StatementLimit(const StatementLimit &) = delete;
    StatementLimit &operator=(const StatementLimit &) = delete;
    void set(milliseconds limit) {
        session_.execute(fmt::format("SET statement_timeout = {}", std::max<milliseconds::rep>(1, limit.count())));
    }

  private:
    pg::Session &session_;
};

Unfollowed differs(std::string difference, std::string remedy) {
    return {.difference = std::move(difference), .remedy = std::move(remedy), .note = {}, .noteworthy = false};
}

Unfollowed same(std::string note, bool noteworthy = false) {
    return {.difference = {}, .remedy = {}, .note = std::move(note), .noteworthy = noteworthy};
}

Unfollowed took_too_long(const std::string &what, milliseconds limit) {
    return differs(fmt::format("{} cannot be compared within {} s", what, limit.count() / 1000),
                   "Raise switchover.drain.");
}

bool counts_reliably(pg::Session &source) {
    return source.server_version() >= 150000 && source.value("SHOW track_counts") == "on";
}

std::string some(const std::vector<std::uint32_t> &oids) {
    return listed(
        oids, [](std::uint32_t oid) { return std::to_string(oid); }, 5);
}

std::optional<std::string> writes_to_large_objects(pg::Session &source, const TaskConfig &) {
    if (!counts_reliably(source)) return std::nullopt;
    return source.value(
        "SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.relfilenode, "
        "pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid), "
        "pg_catalog.pg_stat_get_tuples_deleted(c.oid)), ',' ORDER BY c.oid) FROM pg_catalog.pg_class c WHERE c.oid IN "
        "('pg_catalog.pg_largeobject'::regclass, 'pg_catalog.pg_largeobject_metadata'::regclass)");
}

/// Whether a selected table has a column of type oid, or of a domain over it as `lo` is.
bool referred_to(pg::Session &source, const TaskConfig &config) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    const auto rows = source.query(
        "SELECT DISTINCT n.nspname, c.relname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = "
        "a.atttypid JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = "
        "c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND "
        "'pg_catalog.oid'::regtype IN (t.oid, t.typbasetype)");
    for (int row = 0; row < rows.rows(); ++row)
        if (selection.matches(rows.text(row, 0), rows.text(row, 1))) return true;
    return false;
}

Unfollowed compare_large_objects(pg::Session &source, pg::Session &target, const TaskConfig &config,
                                 milliseconds limit) {
    const std::string what = "large objects";
    const auto &mode = config.objects.large_objects;
    if (mode != "copy") {
        const auto count = source.value("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata").value();
        if (count == "0") return same("there are none");
        if (mode == "ignore") return same(fmt::format("{} stay behind, as the task file asks", count), true);
        if (!referred_to(source, config))
            return same(fmt::format("{} stay behind; no selected table has a column for them", count), true);
        return differs(fmt::format("{} exist, selected tables can refer to them, and none is carried", count),
                       "Carry them over by hand while nobody writes.");
    }
    try {
        const StatementLimit here(source, limit), there(target, limit);
        const auto found = copy::compare_large_objects(source, target, config, Clock::now() + limit);
        if (!found.complete) return took_too_long(what, limit);
        if (found.none()) return same(fmt::format("{} are the same on both sides", found.compared));
        std::vector<std::string> parts;
        const auto add = [&](const char *how, const std::vector<std::uint32_t> &oids) {
            if (!oids.empty()) parts.push_back(fmt::format("{} {} ({})", oids.size(), how, some(oids)));
        };
        add("differ", found.differing);
        add("are missing on the target", found.missing);
        add("were dropped on the source", found.dropped);
        return differs(fmt::format("large objects changed since they were copied, which is not followed: {}",
                                   listed(parts, [](const std::string &part) { return part; })),
                       "Carry them over by hand while nobody writes: lo_unlink and lo_from_bytea(oid, data) on the "
                       "target.");
    } catch (const SqlError &error) {
        if (error.sqlstate() != query_canceled) throw;
        return took_too_long(what, limit);
    }
}

/// The selected ones; partitions count, the tables they belong to hold no rows.
std::vector<source::Table> unlogged_tables(pg::Session &source, const TaskConfig &config) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    auto tables = source::read_tables(source, source::Unlogged::bring);
    std::erase_if(tables, [&](const source::Table &table) {
        return !table.unlogged || table.kind != 'r' || !selection.matches(table.name.schema, table.name.name);
    });
    return tables;
}

std::optional<std::string> writes_to_unlogged_tables(pg::Session &source, const TaskConfig &config) {
    if (!counts_reliably(source)) return std::nullopt;
    const auto tables = unlogged_tables(source, config);
    std::string oids;
    for (const auto &table : tables) oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
    // TRUNCATE and rewriting show in the file's number.
    return source
        .query("SELECT coalesce(pg_catalog.string_agg(pg_catalog.concat_ws(' ', o, pg_catalog.pg_relation_filenode(o), "
               "pg_catalog.pg_stat_get_tuples_inserted(o), pg_catalog.pg_stat_get_tuples_updated(o), "
               "pg_catalog.pg_stat_get_tuples_deleted(o)), ',' ORDER BY o), '') FROM pg_catalog.unnest($1::oid[]) o",
               {"{" + oids + "}"})
        .text(0, 0);
}

std::optional<std::string> rows_of(pg::Session &session, const QualifiedName &table) {
    try {
        return session.value(fmt::format("SELECT count(*) FROM ONLY {}", dialect::postgres::quote(table)));
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42P01") throw; // undefined_table
        session.rollback_quietly();
        return std::nullopt;
    }
}

Unfollowed compare_unlogged_tables(pg::Session &source, pg::Session &target, const TaskConfig &config,
                                   milliseconds limit) {
    const auto tables = unlogged_tables(source, config);
    if (tables.empty()) return same("no selected table is unlogged");
    std::vector<std::string> differing;
    bool rows = false;
    try {
        StatementLimit here(source, limit), there(target, limit);
        const auto until = Clock::now() + limit;
        for (const auto &table : tables) {
            const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
            here.set(left);
            there.set(left);
            const auto ours = rows_of(source, table.name), theirs = rows_of(target, config.names.table(table.name));
            rows |= ours != "0";
            if (ours != theirs)
                differing.push_back(fmt::format("{} holds {} rows on the source and {} on the target",
                                                to_string(table.name), ours.value_or("no"), theirs.value_or("no")));
        }
    } catch (const SqlError &error) {
        if (error.sqlstate() != query_canceled) throw;
        return took_too_long("the rows of unlogged tables", limit);
    }
    if (differing.empty())
        return same(fmt::format("{} unlogged tables hold as many rows on both sides{}", tables.size(),
                                rows ? "; rows that were updated are not followed" : ""),
                    rows);
    return differs(fmt::format("unlogged tables are not followed: {}",
                               listed(
                                   differing, [](const std::string &text) { return text; }, 5)),
                   "Carry their rows over by hand while nobody writes, or empty them on the target if they can be "
                   "filled again.");
}

} // namespace

const std::array<UnfollowedKind, 2> unfollowed_kinds{
    {{.gate = "task.large_objects", .writes = writes_to_large_objects, .compare = compare_large_objects},
     {.gate = "task.unlogged", .writes = writes_to_unlogged_tables, .compare = compare_unlogged_tables}}};

} // namespace walbridge::switchover
