// large_objects.cpp: groups of small objects share messages and transactions; large ones go in pieces.
#include "copy/large_objects.hpp"

#include "base/log.hpp"
#include "copy/pass.hpp"
#include "dialect/postgres.hpp"
#include "schema/target_session.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

namespace walbridge::copy {
namespace {

constexpr std::size_t group_objects = 64;
/// The first piece of each object of a group, and the pieces of what is larger.
constexpr std::size_t first_bytes = 64 << 10, piece_bytes = 1 << 20;
constexpr int compared_at_once = 500;

using Oids = std::vector<std::uint32_t>;

std::string array_of(const Oids &oids) { return fmt::format("{{{}}}", fmt::join(oids, ",")); }

std::size_t bytes_of(std::string_view hex) {
    return hex.size() < 2 ? 0 : (hex.size() - 2) / 2;
} // "\x" and two digits each

std::uint32_t oid_of(const pg::Result &rows, int row) { return static_cast<std::uint32_t>(rows.number(row, 0)); }

class Copier {
  public:
    Copier(const LoadContext &context, source::ExportedSnapshot *first)
        : context_(context), config_(context.config), stop_(context.stop), first_(first) {}

    bool run() {
        source::RetryWindow retry(config_.retry, stop_, &context_.progress.retries);
        while (!stop_.requested()) {
            try {
                if (round()) return true;
                retry.succeeded();
            } catch (const Error &error) {
                source_.reset();
                target_.reset();
                if (!retry.again(error, "large objects")) return false;
            }
        }
        return false;
    }

  private:
    /// One group. True when nothing was left to do.
    bool round() {
        if (!target_) target_ = schema::open_target(config_, "copy");
        const auto rows =
            target_->query("SELECT oid FROM walbridge.large_object WHERE task = $1 AND NOT done ORDER BY oid LIMIT $2",
                           {config_.name, std::to_string(group_objects)});
        if (rows.rows() == 0) {
            if (objects_ > 0) log::info("copied large objects", {{"objects", objects_}, {"bytes", bytes_}});
            return true;
        }
        if (!source_) open_source();
        if (!pay({.queries = 2})) return false; // the group's objects and their grants
        Oids oids;
        for (int row = 0; row < rows.rows(); ++row) oids.push_back(oid_of(rows, row));
        context_.fence.around(*target_, [&] { copy(oids); });
        return false;
    }

    bool pay(const Throttle::Amounts &amounts) {
        return context_.throttle.pass(amounts, [&] { return stop_.requested(); });
    }
    /// Out of the transaction; run() sees the stop.
    [[noreturn]] static void refuse_stopped() {
        throw Error(ErrorKind::task_state, "large objects", "a stop was requested");
    }

    void open_source() {
        source_ = open_copy_source(config_);
        if (first_ != nullptr && first_->alive())
            source::import_snapshot(*source_, first_->name());
        else
            source_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    }

    void copy(const Oids &wanted) {
        // An older session's COMMIT may be under way; its objects are not copied again.
        const auto open = target_->query("SELECT oid FROM walbridge.large_object WHERE task = $1 AND oid = ANY "
                                         "($2::oid[]) AND NOT done ORDER BY oid FOR UPDATE",
                                         {config_.name, array_of(wanted)});
        Oids oids;
        for (int row = 0; row < open.rows(); ++row) oids.push_back(oid_of(open, row));
        if (oids.empty()) return;
        refuse_existing(oids);
        const auto objects = read(oids);
        create(objects);
        std::set<std::uint32_t> seen;
        std::map<std::uint32_t, std::size_t> bytes;
        for (int row = 0; row < objects.rows(); ++row) {
            const auto oid = oid_of(objects, row);
            seen.insert(oid);
            bytes[oid] = bytes_of(objects.get(row, 1));
            if (bytes[oid] == first_bytes) bytes[oid] += copy_rest(oid);
            bytes_ += bytes[oid];
            if (!pay({.bytes = std::min(bytes[oid], first_bytes)})) refuse_stopped();
        }
        grant(oids);
        give(objects);
        finish(oids, seen, bytes);
        objects_ += seen.size();
    }

    void refuse_existing(const Oids &oids) {
        const auto found = target_->value("SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = ANY "
                                          "($1::oid[]) ORDER BY oid LIMIT 1",
                                          {array_of(oids)});
        if (!found) return;
        throw Error(ErrorKind::copy_stage, "large object " + *found, "it exists on the target and is not this task's",
                    fmt::format("SELECT lo_unlink({}); on the target if nobody needs it, or set objects.large_objects "
                                "= \"ignore\".",
                                *found));
    }

    /// oid, first piece, owner, comment.
    pg::Result read(const Oids &oids) {
        try {
            return source_->query(
                fmt::format("SELECT m.oid, pg_catalog.lo_get(m.oid, 0, {}), pg_catalog.pg_get_userbyid(m.lomowner), "
                            "pg_catalog.obj_description(m.oid, 'pg_largeobject') FROM "
                            "pg_catalog.pg_largeobject_metadata m WHERE m.oid = ANY ($1::oid[]) ORDER BY m.oid",
                            first_bytes),
                {array_of(oids)});
        } catch (const SqlError &error) {
            if (error.sqlstate() != "42501") throw;
            throw Error(ErrorKind::permission, "large objects of the source", error.fields().message,
                        "GRANT SELECT ON LARGE OBJECT ... to the role on the source; walbridge precheck --only "
                        "tables.large_objects counts those that are closed.");
        }
    }

    void create(const pg::Result &objects) {
        std::string oids, pieces;
        for (int row = 0; row < objects.rows(); ++row) {
            oids += fmt::format("{}{}", row > 0 ? "," : "", objects.get(row, 0));
            pieces += fmt::format("{}\"\\{}\"", row > 0 ? "," : "", objects.get(row, 1)); // \x.. within an array
        }
        target_->query("SELECT pg_catalog.lo_from_bytea(o.oid, o.piece) FROM unnest($1::oid[], $2::bytea[]) o (oid, "
                       "piece)",
                       {"{" + oids + "}", "{" + pieces + "}"});
    }

    std::size_t copy_rest(std::uint32_t oid) {
        for (std::size_t at = first_bytes;;) {
            if (stop_.requested() || !pay({.queries = 1, .bytes = piece_bytes})) refuse_stopped();
            const auto piece = source_->query("SELECT pg_catalog.lo_get($1::oid, $2::bigint, $3::integer)",
                                              {std::to_string(oid), std::to_string(at), std::to_string(piece_bytes)});
            const auto bytes = bytes_of(piece.get(0, 0));
            if (bytes == 0) return at - first_bytes;
            target_->query("SELECT pg_catalog.lo_put($1::oid, $2::bigint, $3::bytea)",
                           {std::to_string(oid), std::to_string(at), piece.text(0, 0)});
            at += bytes;
            if (bytes < piece_bytes) return at - first_bytes;
        }
    }

    /// As the objects' owner, before they are given away: afterwards our role may not be allowed to.
    void grant(const Oids &oids) {
        if (config_.schema.grants == "none") return;
        const auto grants = source_->query(
            "SELECT m.oid, r.rolname, a.privilege_type, a.is_grantable FROM pg_catalog.pg_largeobject_metadata m, "
            "pg_catalog.aclexplode(m.lomacl) a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee WHERE m.oid = ANY "
            "($1::oid[]) AND a.grantee <> m.lomowner AND (a.grantee = 0 OR r.oid IS NOT NULL) ORDER BY 1",
            {array_of(oids)});
        std::string statements;
        for (int row = 0; row < grants.rows(); ++row)
            statements +=
                fmt::format("GRANT {} ON LARGE OBJECT {} TO {}{};", grants.get(row, 2), grants.get(row, 0),
                            grants.null(row, 1)
                                ? std::string("PUBLIC")
                                : dialect::postgres::quote_identifier(role(config_.schema.grants, grants.text(row, 1))),
                            grants.flag(row, 3) ? " WITH GRANT OPTION" : "");
        if (!statements.empty()) run_statements(statements);
    }

    void give(const pg::Result &objects) {
        std::string statements;
        const auto self = target_->value("SELECT current_user").value_or("");
        for (int row = 0; row < objects.rows(); ++row) {
            const auto oid = objects.get(row, 0);
            if (!objects.null(row, 3))
                statements += fmt::format("COMMENT ON LARGE OBJECT {} IS {};", oid,
                                          dialect::postgres::quote_literal(objects.get(row, 3)));
            const auto owner = role(config_.schema.owner, objects.text(row, 2));
            if (config_.schema.owner != "none" && owner != self)
                statements +=
                    fmt::format("ALTER LARGE OBJECT {} OWNER TO {};", oid, dialect::postgres::quote_identifier(owner));
        }
        if (!statements.empty()) run_statements(statements);
    }

    [[nodiscard]] std::string role(const std::string &mode, const std::string &name) const {
        return mode == "map" ? config_.role_on_target(name) : name;
    }

    void run_statements(const std::string &statements) {
        try {
            target_->execute(statements);
        } catch (const SqlError &error) {
            if (source::transient(error)) throw;
            throw Error(error.sqlstate() == "42501" ? ErrorKind::permission : ErrorKind::copy_stage,
                        "large objects of the target",
                        fmt::format("owner, grants or comment cannot be set: {}", error.reason()),
                        "Create the role on the target, let ours act for it (GRANT owner TO role), or set schema.owner "
                        "or schema.grants to \"none\".");
        }
    }

    void finish(const Oids &oids, const std::set<std::uint32_t> &seen,
                const std::map<std::uint32_t, std::size_t> &bytes) {
        Oids gone;
        std::string done, sizes;
        for (const auto oid : oids) {
            if (!seen.contains(oid)) {
                gone.push_back(oid);
                continue;
            }
            done += (done.empty() ? "" : ",") + std::to_string(oid);
            sizes += (sizes.empty() ? "" : ",") + std::to_string(bytes.at(oid));
        }
        if (!gone.empty())
            target_->query("DELETE FROM walbridge.large_object WHERE task = $1 AND oid = ANY ($2::oid[])",
                           {config_.name, array_of(gone)});
        target_->query("UPDATE walbridge.large_object l SET done = true, bytes = d.bytes FROM unnest($2::oid[], "
                       "$3::bigint[]) d (oid, bytes) WHERE l.task = $1 AND l.oid = d.oid",
                       {config_.name, "{" + done + "}", "{" + sizes + "}"});
    }

    const LoadContext &context_;
    const TaskConfig &config_;
    const StopToken &stop_;
    source::ExportedSnapshot *const first_;
    std::optional<pg::Session> source_, target_;
    std::size_t objects_ = 0, bytes_ = 0;
};

/// Digests of a window of objects by oid: those of `from` (exclusive) up to `to` (inclusive), or the next ones.
std::map<std::uint32_t, std::string> digests(pg::Session &session, const std::string &which,
                                             const std::vector<pg::Parameter> &parameters) {
    // 262144 is INV_READ; the descriptor ends with the statement's transaction.
    const auto rows = session.query(
        fmt::format("WITH o AS MATERIALIZED (SELECT m.oid, pg_catalog.lo_lseek64(pg_catalog.lo_open(m.oid, 262144), 0, "
                    "2) AS size FROM (SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE {} OFFSET 0) m) SELECT "
                    "o.oid, o.size || ' ' || (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.md5("
                    "pg_catalog.lo_get(o.oid, n * {}, {})), '' ORDER BY n)) FROM pg_catalog.generate_series(0::bigint, "
                    "(o.size - 1) / {}) n) FROM o",
                    which, piece_bytes, piece_bytes, piece_bytes),
        parameters);
    std::map<std::uint32_t, std::string> found;
    for (int row = 0; row < rows.rows(); ++row) found.emplace(oid_of(rows, row), rows.text(row, 1));
    return found;
}

} // namespace

std::vector<std::uint32_t> list_large_objects(pg::Session &source) {
    const auto rows = source.query("SELECT oid FROM pg_catalog.pg_largeobject_metadata ORDER BY oid");
    Oids oids;
    for (int row = 0; row < rows.rows(); ++row) oids.push_back(oid_of(rows, row));
    return oids;
}

void store_large_objects(sql::Session &target, const std::string &task, const std::vector<std::uint32_t> &oids) {
    if (oids.empty()) return;
    target.ask("INSERT INTO walbridge.large_object (task, oid) SELECT $1, o FROM pg_catalog.unnest($2::oid[]) o",
               {task, array_of(oids)});
}

bool copy_large_objects(const LoadContext &context, source::ExportedSnapshot *first) {
    return Copier(context, first).run();
}

LargeObjectDifferences compare_large_objects(pg::Session &source, pg::Session &target, const TaskConfig &config,
                                             std::chrono::steady_clock::time_point until) {
    LargeObjectDifferences found;
    const auto all = list_large_objects(source);
    found.compared = all.size();
    for (std::size_t at = 0; at < all.size(); at += compared_at_once) {
        if (std::chrono::steady_clock::now() >= until) {
            found.complete = false;
            return found;
        }
        const Oids window(all.begin() + static_cast<std::ptrdiff_t>(at),
                          all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + compared_at_once)));
        const auto here = digests(source, "oid = ANY ($1::oid[])", {array_of(window)});
        const auto there = digests(target, "oid = ANY ($1::oid[])", {array_of(window)});
        for (const auto &[oid, digest] : here) {
            const auto other = there.find(oid);
            if (other == there.end())
                found.missing.push_back(oid);
            else if (other->second != digest)
                found.differing.push_back(oid);
        }
    }
    const auto ours =
        target.query("SELECT oid FROM walbridge.large_object WHERE task = $1 AND done ORDER BY oid", {config.name});
    for (int row = 0; row < ours.rows(); ++row)
        if (!std::ranges::binary_search(all, oid_of(ours, row))) found.dropped.push_back(oid_of(ours, row));
    return found;
}

std::size_t unlink_large_objects(pg::Session &target, const std::string &task) {
    std::size_t removed = 0;
    for (;;) { // each takes a lock until the end of its transaction
        const auto rows = target.query(
            fmt::format("WITH batch AS (SELECT l.oid FROM walbridge.large_object l WHERE l.task = $1 AND l.done LIMIT "
                        "{}), gone AS (DELETE FROM walbridge.large_object l USING batch WHERE l.task = $1 AND l.oid = "
                        "batch.oid) SELECT batch.oid, pg_catalog.lo_unlink(m.oid) FROM batch LEFT JOIN "
                        "pg_catalog.pg_largeobject_metadata m ON m.oid = batch.oid",
                        compared_at_once),
            {task});
        if (rows.rows() == 0) return removed;
        removed += static_cast<std::size_t>(rows.rows());
    }
}

} // namespace walbridge::copy
