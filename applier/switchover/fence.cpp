// fence.cpp: rights and settings of the database, and the sessions in it.
#include "switchover/fence.hpp"

#include "dialect/postgres.hpp"
#include "switchover/listing.hpp"

#include <fmt/format.h>
#include <thread>

namespace walbridge::switchover {
namespace {

using Clock = std::chrono::steady_clock;
using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

/// The sessions that count: clients of this database, and workers of extensions and subscriptions in it.
constexpr const char *foreign_filter =
    "a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type NOT IN "
    "('walsender', 'autovacuum worker', 'autovacuum launcher', 'parallel worker', 'logical replication launcher', "
    "'slotsync worker') AND NOT (a.usename = current_user AND (pg_catalog.starts_with(a.application_name, "
    "'walbridge_') OR pg_catalog.starts_with(a.application_name, 'walbridge:')))";

void plan_connections(pg::Session &source, const std::string &database, const std::string &me, FencePlan &plan) {
    const bool unrestricted =
        source.query("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = $1", {me}).flag(0, 0);
    const auto grants = source.query(
        "SELECT a.grantee, CASE WHEN a.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END, "
        "bool_or(a.is_grantable) FROM pg_catalog.pg_database d, pg_catalog.aclexplode(coalesce(d.datacl, "
        "pg_catalog.acldefault('d', d.datdba))) a WHERE d.datname = pg_catalog.current_database() AND "
        "a.privilege_type = 'CONNECT' GROUP BY 1, 2 ORDER BY 1");
    bool mine = unrestricted;
    for (int row = 0; row < grants.rows(); ++row) mine = mine || grants.get(row, 1) == me;
    if (!mine)
        plan.steps.push_back(
            {fmt::format("GRANT CONNECT ON DATABASE {} TO {}", database, quote_identifier(me)),
             {Side::source, "walbridge's own right to connect",
              fmt::format("REVOKE CONNECT ON DATABASE {} FROM {}", database, quote_identifier(me)), true}});
    for (int row = 0; row < grants.rows(); ++row) {
        if (grants.get(row, 1) == me) continue;
        const auto whom = grants.get(row, 1).empty() ? std::string("PUBLIC") : quote_identifier(grants.text(row, 1));
        plan.steps.push_back({fmt::format("REVOKE CONNECT ON DATABASE {} FROM {}", database, whom),
                              {Side::source, fmt::format("connections of {}", whom),
                               fmt::format("GRANT CONNECT ON DATABASE {} TO {}{}", database, whom,
                                           grants.flag(row, 2) ? " WITH GRANT OPTION" : ""),
                               true}});
    }
    const auto shared = source.query(fmt::format(
        "SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE {} AND a.usename = current_user", foreign_filter));
    if (shared.number(0, 0) > 0 && !unrestricted)
        plan.notes.push_back(fmt::format("{} sessions of others use walbridge's own role {}: they are ended and can "
                                         "connect again, read-only by default",
                                         shared.get(0, 0), me));
    const auto others = source.query("SELECT string_agg(rolname, ', ' ORDER BY rolname) FROM pg_catalog.pg_roles WHERE "
                                     "rolsuper AND rolcanlogin AND rolname <> current_user");
    if (!others.null(0, 0))
        plan.notes.push_back(fmt::format("superusers can still connect, read-only by default: {}", others.get(0, 0)));
}

void plan_read_only(pg::Session &source, const std::string &database, FencePlan &plan) {
    const auto before = source.value(
        "SELECT split_part(setting, '=', 2) FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON "
        "d.oid "
        "= s.setdatabase, unnest(s.setconfig) setting WHERE s.setrole = 0 AND d.datname = "
        "pg_catalog.current_database() AND pg_catalog.starts_with(setting, 'default_transaction_read_only=')");
    plan.steps.push_back({fmt::format("ALTER DATABASE {} SET default_transaction_read_only = on", database),
                          {Side::source, "read-only sessions",
                           before ? fmt::format("ALTER DATABASE {} SET default_transaction_read_only = {}", database,
                                                quote_literal(*before))
                                  : fmt::format("ALTER DATABASE {} RESET default_transaction_read_only", database),
                           true}});
    const auto overriding = source.query(
        "SELECT r.rolname, s.setdatabase <> 0 FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid "
        "= "
        "s.setrole LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase WHERE (s.setdatabase = 0 OR d.datname = "
        "pg_catalog.current_database()) AND EXISTS (SELECT 1 FROM unnest(s.setconfig) setting WHERE "
        "setting IN ('default_transaction_read_only=off', 'default_transaction_read_only=false', "
        "'default_transaction_read_only=0', 'default_transaction_read_only=no'))");
    for (int row = 0; row < overriding.rows(); ++row) {
        const auto role = quote_identifier(overriding.text(row, 0));
        plan.obstacles.push_back(
            {fmt::format("role {} has its own default_transaction_read_only = off, which a read-only database does not "
                         "override",
                         role),
             fmt::format("ALTER ROLE {}{} RESET default_transaction_read_only;", role,
                         overriding.flag(row, 1) ? fmt::format(" IN DATABASE {}", database) : "")});
    }
}

} // namespace

FencePlan plan_fence(pg::Session &source) {
    FencePlan plan;
    const auto me = source.value("SELECT current_user").value();
    const auto name = source.value("SELECT pg_catalog.current_database()").value();
    const auto database = quote_identifier(name);
    const auto rights = source.query(
        "SELECT r.rolsuper OR pg_catalog.pg_has_role(d.datdba, 'USAGE'), r.rolsuper OR "
        "pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') FROM pg_catalog.pg_database d, pg_catalog.pg_roles r "
        "WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user");
    if (!rights.flag(0, 0))
        plan.obstacles.push_back(
            {fmt::format("role {} does not own database {}: it can neither revoke CONNECT nor make "
                         "it read-only",
                         me, name),
             fmt::format("GRANT the role that owns {} to {} for the switchover.", database, quote_identifier(me))});
    if (!rights.flag(0, 1))
        plan.obstacles.push_back({fmt::format("role {} may not end the sessions of others", me),
                                  fmt::format("GRANT pg_signal_backend TO {};", quote_identifier(me))});
    const auto prepared = source.query("SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = "
                                       "pg_catalog.current_database() ORDER BY prepared");
    for (int row = 0; row < prepared.rows(); ++row)
        plan.obstacles.push_back(
            {fmt::format("prepared transaction {} is open: whoever commits it behind the fence writes",
                         prepared.get(row, 0)),
             fmt::format("COMMIT PREPARED {0}; or ROLLBACK PREPARED {0};", quote_literal(prepared.text(row, 0)))});
    plan_connections(source, database, me, plan);
    plan_read_only(source, database, plan);
    return plan;
}

std::vector<ForeignSession> foreign_sessions(pg::Session &source) {
    const auto rows = source.query(fmt::format(
        "SELECT a.pid, coalesce(a.usename, a.backend_type), coalesce(host(a.client_addr), 'the local socket'), "
        "a.application_name, a.xact_start IS NOT NULL, coalesce(extract(epoch FROM pg_catalog.clock_timestamp() - "
        "a.xact_start)::int, 0), a.backend_type = 'client backend' FROM pg_catalog.pg_stat_activity a WHERE {} ORDER "
        "BY "
        "a.backend_start",
        foreign_filter));
    std::vector<ForeignSession> sessions;
    for (int row = 0; row < rows.rows(); ++row) {
        ForeignSession session;
        session.pid = static_cast<int>(rows.number(row, 0));
        session.in_transaction = rows.flag(row, 4);
        session.client = rows.flag(row, 6);
        session.who = fmt::format("{} from {}", rows.get(row, 1), rows.get(row, 2));
        if (!rows.get(row, 3).empty()) session.who += fmt::format(" ({})", rows.get(row, 3));
        if (session.in_transaction) session.who += fmt::format(", in a transaction for {} s", rows.get(row, 5));
        if (!session.client) session.who += ", a background worker";
        sessions.push_back(std::move(session));
    }
    return sessions;
}

void raise(pg::Session &source, const FencePlan &plan) {
    source.execute("BEGIN; SET LOCAL synchronous_commit = on");
    try {
        for (const auto &step : plan.steps) source.execute(step.statement);
        source.execute("COMMIT");
    } catch (...) {
        source.rollback_quietly();
        throw;
    }
}

Silence silence(pg::Session &source, std::chrono::milliseconds grace, const StopToken &stop) {
    Silence result;
    const auto began = Clock::now();
    // Whoever was being let in while the fence went up shows a moment later: nobody twice in a row.
    for (int quiet = 0; quiet < 2 && !stop.requested();) {
        result.remaining = foreign_sessions(source);
        const auto waited = Clock::now() - began;
        bool clients = false;
        for (const auto &session : result.remaining) {
            if (!session.client) continue;
            clients = true;
            if (session.in_transaction && waited < grace) continue;
            if (source.query("SELECT pg_catalog.pg_terminate_backend($1::int)", {std::to_string(session.pid)})
                    .flag(0, 0))
                ++result.ended;
        }
        if (!clients)
            ++quiet;
        else
            quiet = 0;
        if (clients && waited > grace + std::chrono::seconds(10)) break;
        if (quiet < 2) std::this_thread::sleep_for(std::chrono::milliseconds(clients ? 20 : 50));
    }
    const auto allowed = source.query("SELECT rolname FROM pg_catalog.pg_roles WHERE rolcanlogin AND NOT rolsuper AND "
                                      "rolname <> current_user AND pg_catalog.has_database_privilege(oid, "
                                      "pg_catalog.current_database(), 'CONNECT') ORDER BY 1");
    for (int row = 0; row < allowed.rows(); ++row) result.still_allowed.push_back(allowed.text(row, 0));
    return result;
}

void wait_until_quiet(pg::Session &source, std::chrono::milliseconds patience, const StopToken &stop) {
    const auto until = Clock::now() + patience;
    for (;;) {
        const auto sessions = foreign_sessions(source);
        if (sessions.empty()) return;
        if (stop.requested() || Clock::now() > until) {
            throw Error(ErrorKind::switchover_refused, "source.sessions",
                        fmt::format("{} sessions are still connected: {}", sessions.size(),
                                    listed(sessions, [](const auto &session) { return session.who; })),
                        "Stop what writes to the source, or leave out --wait-quiet: then they are ended.");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

} // namespace walbridge::switchover
