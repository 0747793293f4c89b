// writers.cpp: one query per kind of writer.
#include "task/writers.hpp"

#include "dialect/postgres.hpp"
#include "task/target_selection.hpp"

#include <fmt/format.h>
#include <utility>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

class Listing {
  public:
    Listing(pg::Session &session, const TaskConfig &config)
        : session_(session), config_(config), source_(session.endpoint().role == "source") {}

    std::vector<Writer> take() {
        part("cron-job", &Listing::cron_jobs);
        part("pgagent-job", &Listing::agent_jobs);
        part("subscription", &Listing::subscriptions);
        part("foreign-server", &Listing::foreign_servers);
        part("prepared-transaction", &Listing::prepared);
        part("session", &Listing::sessions);
        if (source_) {
            part("replication-slot", &Listing::slots);
            part("publication", &Listing::publications);
        } else {
            part("event-trigger", &Listing::event_triggers);
            part("always-trigger", &Listing::triggers);
            part("always-rule", &Listing::rules);
        }
        return std::move(found_);
    }

  private:
    /// What the role may not see becomes a row of the kind.
    void part(const char *kind, void (Listing::*list)()) {
        try {
            (this->*list)();
        } catch (const SqlError &error) {
            session_.rollback_quietly();
            if (PQstatus(session_.raw()) != CONNECTION_OK || error.kind() == ErrorKind::connection) throw;
            add(kind, "unknown", fmt::format("they cannot be read: {}", error.reason()),
                "Look there with a role that may, or grant ours what the message names.");
        }
    }
    void add(std::string kind, std::string name, std::string detail, std::string remedy) {
        found_.push_back({std::move(kind), std::move(name), std::move(detail), std::move(remedy)});
    }
    [[nodiscard]] std::string side() const { return source_ ? "source" : "target"; }

    bool exists(const char *relation) {
        return session_.query("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {relation}).flag(0, 0);
    }

    void cron_jobs() {
        const auto home = session_.query("SELECT pg_catalog.current_setting('cron.database_name', true), "
                                         "pg_catalog.current_database()");
        if (!home.null(0, 0) && !home.get(0, 0).empty() && home.get(0, 0) != home.get(0, 1))
            add("cron-job", "pg_cron",
                fmt::format("its jobs are kept in the database {}, which cannot be seen from here", home.get(0, 0)),
                fmt::format("Look there: SELECT jobid, schedule, command FROM cron.job WHERE active AND database = {};",
                            quote_literal(home.get(0, 1))));
        if (!exists("cron.job")) return;
        // A column for the name exists in newer versions only. A policy shows each role its own jobs.
        const auto rows =
            session_.query("SELECT j.jobid, coalesce(pg_catalog.to_jsonb(j) ->> 'jobname', 'job ' || j.jobid), "
                           "j.schedule, j.username, j.command FROM cron.job j WHERE j.active AND j.database = "
                           "pg_catalog.current_database() ORDER BY 1");
        for (int row = 0; row < rows.rows(); ++row)
            add("cron-job", rows.text(row, 1),
                fmt::format("{} as {}: {}", rows.get(row, 2), rows.get(row, 3), rows.get(row, 4)),
                fmt::format("SELECT cron.alter_job({}, active := false);{}", rows.get(row, 0),
                            source_ ? " Schedule it on the target after the switchover."
                                    : " Until the switchover the target is written by walbridge alone."));
    }

    void agent_jobs() {
        if (!exists("pgagent.pga_job")) return;
        const auto rows =
            session_.query("SELECT jobid, jobname, jobdesc FROM pgagent.pga_job WHERE jobenabled ORDER BY 1");
        for (int row = 0; row < rows.rows(); ++row)
            add("pgagent-job", rows.text(row, 1), fmt::format("enabled; {}", rows.get(row, 2)),
                fmt::format("UPDATE pgagent.pga_job SET jobenabled = false WHERE jobid = {};", rows.get(row, 0)));
    }

    /// A subscription that writes tables of the task is a second master of them.
    void subscriptions() {
        const auto rows = session_.query(
            "SELECT s.subname, s.subenabled, n.nspname, c.relname FROM pg_catalog.pg_subscription s "
            "JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database() "
            "LEFT JOIN pg_catalog.pg_subscription_rel r ON r.srsubid = s.oid "
            "LEFT JOIN pg_catalog.pg_class c ON c.oid = r.srrelid "
            "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 3, 4");
        for (int row = 0; row < rows.rows();) {
            const auto name = rows.text(row, 0);
            const bool enabled = rows.flag(row, 1);
            int tables = 0, selected = 0;
            for (; row < rows.rows() && rows.get(row, 0) == name; ++row) {
                if (rows.null(row, 3)) continue;
                ++tables;
                if (matches({rows.text(row, 2), rows.text(row, 3)})) ++selected;
            }
            add("subscription", name,
                fmt::format("{}, writes {} tables, {} of them of this task", enabled ? "enabled" : "disabled", tables,
                            selected),
                fmt::format("ALTER SUBSCRIPTION {} DISABLE;{}", quote_identifier(name),
                            source_ ? " Subscribe the target to its publisher after the switchover." : ""));
        }
    }

    void foreign_servers() {
        const auto rows = session_.query(
            "SELECT s.srvname, w.fdwname, (SELECT count(*) FROM pg_catalog.pg_foreign_table t WHERE t.ftserver = "
            "s.oid) "
            "FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw "
            "ORDER BY 1");
        for (int row = 0; row < rows.rows(); ++row)
            add("foreign-server", rows.text(row, 0),
                fmt::format("{}, {} foreign tables: functions and users of this database may write through it",
                            rows.get(row, 1), rows.get(row, 2)),
                "Check that its address and user mappings are right from where they will be used, and that nothing "
                "writes through both sides.");
    }

    void prepared() {
        const auto rows = session_.query("SELECT gid, owner, prepared FROM pg_catalog.pg_prepared_xacts WHERE database "
                                         "= pg_catalog.current_database() ORDER BY prepared");
        for (int row = 0; row < rows.rows(); ++row)
            add("prepared-transaction", rows.text(row, 0),
                fmt::format("of {} since {}: it holds its locks and is written at its COMMIT PREPARED",
                            rows.get(row, 1), rows.get(row, 2)),
                fmt::format("COMMIT PREPARED {0}; or ROLLBACK PREPARED {0};", quote_literal(rows.get(row, 0))));
    }

    /// By role, program and address. A role without pg_read_all_stats sees less of others' sessions, never fewer.
    void sessions() {
        const auto rows = session_.query(
            "SELECT coalesce(a.usename, '?'), a.application_name, coalesce(a.client_addr::text, 'local'), count(*), "
            "count(*) FILTER (WHERE a.xact_start IS NOT NULL), count(a.backend_xid), pg_catalog.min(a.xact_start), "
            "pg_catalog.min(a.pid) FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() "
            "AND coalesce(a.backend_type, 'client backend') = 'client backend' AND a.pid <> "
            "pg_catalog.pg_backend_pid() AND NOT pg_catalog.starts_with(coalesce(a.application_name, ''), $1) "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            {config_.application_name("")});
        for (int row = 0; row < rows.rows(); ++row) {
            const auto program = rows.text(row, 1);
            auto name = fmt::format("{}@{}", rows.get(row, 0), rows.get(row, 2));
            if (!program.empty()) name = fmt::format("{} ({})", program, name);
            auto detail = fmt::format("{} sessions", rows.get(row, 3));
            const auto open = rows.number(row, 4), writing = rows.number(row, 5);
            if (open > 0) detail += fmt::format(", {} in a transaction, the oldest since {}", open, rows.get(row, 6));
            if (writing > 0) detail += fmt::format(", {} of them have written", writing);
            add(program == "postgres_fdw" ? "fdw-session"
                : writing > 0             ? "transaction"
                                          : "session",
                name, detail,
                program == "postgres_fdw"
                    ? "Another server writes or reads here through a foreign server: move its address as well."
                : source_ ? "Stop it, or move its connection to the target, at the switchover; what is left then is "
                            "ended after switchover.grace."
                          : "Until the switchover nothing but walbridge should write here; readers are welcome.");
        }
    }

    void slots() {
        const auto rows = session_.query(
            "SELECT slot_name, slot_type, coalesce(plugin, ''), active FROM pg_catalog.pg_replication_slots WHERE NOT "
            "temporary AND slot_name <> $1 AND coalesce(database, pg_catalog.current_database()) = "
            "pg_catalog.current_database() ORDER BY 1",
            {config_.slot_name()});
        for (int row = 0; row < rows.rows(); ++row)
            add("replication-slot", rows.text(row, 0),
                fmt::format("{}{}{}, {}: somebody follows this source", rows.get(row, 1),
                            rows.get(row, 2).empty() ? "" : " of ", rows.get(row, 2),
                            rows.flag(row, 3) ? "in use" : "not in use"),
                "Whoever reads it needs a slot on the target after the switchover; an unused one retains WAL for "
                "nothing.");
    }

    void publications() {
        const auto rows = session_.query(
            "SELECT p.pubname, p.puballtables, (SELECT count(*) FROM pg_catalog.pg_publication_tables t WHERE "
            "t.pubname = p.pubname) FROM pg_catalog.pg_publication p ORDER BY 1");
        for (int row = 0; row < rows.rows(); ++row)
            add("publication", rows.text(row, 0),
                fmt::format("of {} tables: subscribers may follow this source", rows.get(row, 2)),
                "Create it on the target before its subscribers move there.");
    }

    void event_triggers() {
        const auto rows = session_.query(
            "SELECT e.evtname, e.evtevent, e.evtenabled FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D' "
            "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid "
            "AND x.extname = 'walbridge' WHERE d.classid = 'pg_catalog.pg_event_trigger'::regclass AND d.objid = "
            "e.oid AND d.deptype = 'e') ORDER BY 1");
        for (int row = 0; row < rows.rows(); ++row) {
            const bool always = rows.get(row, 2) != "O";
            add("event-trigger", rows.text(row, 0),
                fmt::format("{}, {}", rows.get(row, 1),
                            always ? "fires for replicated DDL too"
                                   : "fires for DDL of others and after the switchover"),
                always ? fmt::format("ALTER EVENT TRIGGER {} ENABLE; lets it sleep while walbridge writes.",
                                     quote_identifier(rows.get(row, 0)))
                       : "Check that the application expects it here.");
        }
    }

    void triggers() {
        const auto rows = session_.query(
            "SELECT n.nspname, c.relname, t.tgname, t.tgenabled FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class "
            "c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') ORDER BY 1, 2, 3");
        for (int row = 0; row < rows.rows(); ++row) {
            const QualifiedName table{rows.text(row, 0), rows.text(row, 1)};
            if (!matches(table)) continue;
            add("always-trigger", fmt::format("{} on {}", rows.get(row, 2), to_string(table)),
                fmt::format("ENABLE {}: it fires for every replicated row",
                            rows.get(row, 3) == "A" ? "ALWAYS" : "REPLICA"),
                fmt::format("ALTER TABLE {} ENABLE TRIGGER {};", dialect::postgres::quote(table),
                            quote_identifier(rows.get(row, 2))));
        }
    }

    void rules() {
        const auto rows = session_.query(
            "SELECT n.nspname, c.relname, r.rulename, r.ev_enabled FROM pg_catalog.pg_rewrite r JOIN "
            "pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE r.ev_enabled IN ('A', 'R') AND c.relkind IN ('r', 'p') ORDER BY 1, 2, 3");
        for (int row = 0; row < rows.rows(); ++row) {
            const QualifiedName table{rows.text(row, 0), rows.text(row, 1)};
            if (!matches(table)) continue;
            add("always-rule", fmt::format("{} on {}", rows.get(row, 2), to_string(table)),
                fmt::format("ENABLE {}: it rewrites every replicated statement",
                            rows.get(row, 3) == "A" ? "ALWAYS" : "REPLICA"),
                fmt::format("ALTER TABLE {} ENABLE RULE {};", dialect::postgres::quote(table),
                            quote_identifier(rows.get(row, 2))));
        }
    }

    [[nodiscard]] bool matches(const QualifiedName &table) const {
        return source_ ? of_source_.matches(table.schema, table.name) : of_target_.matches(table);
    }

    pg::Session &session_;
    const TaskConfig &config_;
    const bool source_;
    const wire::ObjectSelection of_source_{config_.objects.include, config_.objects.exclude};
    const TargetSelection of_target_{config_};
    std::vector<Writer> found_;
};

} // namespace

std::vector<Writer> list_writers(pg::Session &session, const TaskConfig &config) {
    return Listing(session, config).take();
}

} // namespace walbridge::task
