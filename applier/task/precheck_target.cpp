// precheck_target.cpp: the target as a server: version, rights, quiet sessions, origins, encoding.
#include "dialect/postgres.hpp"
#include "target/postgres/origins.hpp"
#include "task/precheck_checks.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

struct Self {
    std::string role, database; ///< quoted
};

Self self_of(pg::Session &session) {
    const auto row = session.query("SELECT current_user, pg_catalog.current_database()");
    return {dialect::postgres::quote_identifier(row.get(0, 0)), dialect::postgres::quote_identifier(row.get(0, 1))};
}

void check_version(PrecheckContext &context, pg::Session &target) {
    const int major = target.server_version() / 10000;
    if (major < 13)
        return context.error("target.version", fmt::format("version {} is below 13", major), "Upgrade the target.");
    if (context.source && context.source->server_version() / 10000 > major)
        return context.warning(
            "target.version",
            fmt::format(
                "the target (PostgreSQL {}) is older than the source ({}): definitions and types may not exist there",
                major, context.source->server_version() / 10000),
            "Prefer a target of the source's version or newer.");
    context.ok("target.version", fmt::format("PostgreSQL {}", major));
}

void check_primary(PrecheckContext &context, pg::Session &target) {
    if (target.query("SELECT pg_catalog.pg_is_in_recovery()").flag(0, 0))
        return context.error("target.primary", "the server is a standby",
                             "Give the address of the primary in target.url.");
    if (target.value("SHOW transaction_read_only") == "on")
        return context.error("target.primary", "sessions are read-only",
                             "ALTER ROLE ... or ALTER DATABASE ... RESET default_transaction_read_only;");
    context.ok("target.primary", "the server is a primary");
}

void check_state(PrecheckContext &context, pg::Session &target) {
    const auto self = self_of(target);
    const auto row = target.query(
        "SELECT pg_catalog.to_regnamespace('walbridge') IS NOT NULL, "
        "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
        "coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('walbridge'), 'CREATE'), false)");
    if (!row.flag(0, 0)) {
        if (!row.flag(0, 1))
            return context.error("target.state", "walbridge's state cannot be created",
                                 fmt::format("GRANT CREATE ON DATABASE {} TO {};", self.database, self.role));
        return context.ok("target.state", "the schema walbridge will be created");
    }
    if (!target.query("SELECT pg_catalog.has_schema_privilege('walbridge', 'USAGE')").flag(0, 0))
        return context.error("target.state", "the role may not use the schema walbridge",
                             fmt::format("GRANT USAGE, CREATE ON SCHEMA walbridge TO {0}; and, if a task has run, the "
                                         "rights on its tables there.",
                                         self.role));
    if (!state_installed(target)) {
        if (!row.flag(0, 2))
            return context.error("target.state", "the role may not create tables in the schema walbridge",
                                 fmt::format("GRANT CREATE, USAGE ON SCHEMA walbridge TO {};", self.role));
        return context.ok("target.state", "the state will be created in the schema walbridge");
    }
    // The extension's own tables in the schema are none of the task's.
    const auto rights = target.query(
        "SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'INSERT') AND "
        "pg_catalog.has_table_privilege(c.oid, 'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')), "
        "pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ') FROM pg_catalog.pg_class c WHERE c.relnamespace "
        "= "
        "'walbridge'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE "
        "d.classid "
        "= 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')");
    if (rights.null(0, 0) || !rights.flag(0, 0))
        return context.error(
            "target.state", "the role may not write walbridge's state",
            fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {};", rights.get(0, 1), self.role));
    context.ok("target.state", "walbridge's state is installed and writable");
}

void check_create(PrecheckContext &context, pg::Session &target) {
    if (!context.config.schema_stage) return context.ok("target.create", "no schema stage");
    const auto self = self_of(target);
    if (!target.query("SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')").flag(0, 0))
        return context.error("target.create", "the role may not create schemas",
                             fmt::format("GRANT CREATE ON DATABASE {} TO {};", self.database, self.role));
    // Existing schemas that objects will be created in.
    std::vector<std::string> closed;
    for (const auto &schema : context.schemas_there()) {
        const auto allowed = target.query("SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM "
                                          "pg_catalog.pg_namespace n WHERE n.nspname = $1",
                                          {schema});
        if (allowed.rows() != 0 && !allowed.flag(0, 0)) closed.push_back(dialect::postgres::quote_identifier(schema));
    }
    if (!closed.empty())
        return context.error("target.create", fmt::format("the role may not create objects in {}", some_of(closed)),
                             fmt::format("GRANT CREATE ON SCHEMA {} TO {};", some_of(closed, 1000), self.role));
    context.ok("target.create", "the role may create schemas and objects");
}

void check_quiet(PrecheckContext &context, pg::Session &target) {
    try {
        target.execute("SET session_replication_role = replica; RESET session_replication_role");
        context.ok("target.quiet", "triggers and foreign keys can be kept quiet in our sessions");
    } catch (const SqlError &failure) {
        const auto self = self_of(target);
        context.error("target.quiet",
                      fmt::format("session_replication_role cannot be set: {}", failure.fields().message),
                      target.server_version() >= 150000
                          ? fmt::format("GRANT SET ON PARAMETER session_replication_role TO {};", self.role)
                          : fmt::format("As superuser: ALTER ROLE {} SUPERUSER, or use a target role that has it; from "
                                        "version 15 on a GRANT is enough.",
                                        self.role));
    }
}

void check_origin(PrecheckContext &context, pg::Session &target) {
    static const char *const functions =
        "pg_catalog.pg_replication_origin_create(text), pg_catalog.pg_replication_origin_oid(text), "
        "pg_catalog.pg_replication_origin_session_setup(text), pg_catalog.pg_replication_origin_xact_setup(pg_lsn, "
        "timestamptz), "
        "pg_catalog.pg_replication_origin_progress(text, boolean), pg_catalog.pg_replication_origin_drop(text)";
    const auto allowed = target.query(
        "SELECT pg_catalog.bool_and(pg_catalog.has_function_privilege(p.oid, 'EXECUTE')) FROM pg_catalog.pg_proc p "
        "WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('pg_replication_origin_create', "
        "'pg_replication_origin_oid', "
        "'pg_replication_origin_session_setup', 'pg_replication_origin_xact_setup', 'pg_replication_origin_progress', "
        "'pg_replication_origin_drop')");
    if (!allowed.flag(0, 0))
        return context.warning(
            "target.origin",
            "the role may not mark its transactions with a replication origin: loops and cascades cannot be told apart",
            fmt::format("GRANT EXECUTE ON FUNCTION {} TO {};", functions, self_of(target).role));
    const bool readable =
        target
            .query("SELECT coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('walbridge'), 'USAGE'), "
                   "true)")
            .flag(0, 0);
    const bool known = !readable || read_task(target, context.config.name);
    // Origins are shared by all databases of a cluster: ours exists only where our task's row is.
    const auto counted =
        target.query(fmt::format("SELECT count(*) FILTER (WHERE {0}), count(*) FILTER (WHERE NOT {0}) FROM "
                                 "pg_catalog.pg_replication_origin o",
                                 target::origins_of_task),
                     {context.config.origin_name()});
    const bool exists = counted.number(0, 0) > 0;
    if (exists && !known)
        return context.error(
            "target.origin",
            fmt::format("the origin {} exists and belongs to a task of another database of this cluster",
                        context.config.origin_name()),
            fmt::format(
                "Choose another task name; if no such task exists any more: SELECT pg_replication_origin_drop('{}');",
                context.config.origin_name()));
    // Until version 17 the setting for slots bounds the origins too. An origin that nobody uses takes no room, but
    // whether somebody does is shown to superusers only.
    const std::string setting =
        target.server_version() >= 180000 ? "max_active_replication_origins" : "max_replication_slots";
    const auto total = std::stoll(target.value("SHOW " + setting).value());
    const auto needed = context.config.apply_sessions() + context.config.copy_sessions();
    const auto left = total - counted.number(0, 1);
    const auto text =
        fmt::format("{} of {} = {} are free for replication origins, {} needed: one per session that copies or applies",
                    left, setting, total, needed);
    const auto fix =
        fmt::format("ALTER SYSTEM SET {} = {}; then restart the target.", setting, counted.number(0, 1) + needed);
    if (left < 1) return context.error("target.origin", text, fix);
    if (left < needed) return context.warning("target.origin", text, fix);
    context.ok("target.origin", text);
}

void check_encoding(PrecheckContext &context, pg::Session &target) {
    const auto encoding = target.value("SHOW server_encoding").value();
    if (encoding == "UTF8") return context.ok("target.encoding", "UTF8");
    const auto source = context.source ? context.source->value("SHOW server_encoding") : std::nullopt;
    if (source == encoding) return context.ok("target.encoding", fmt::format("{}, like the source", encoding));
    context.error("target.encoding", fmt::format("{}: text of the source may not exist in it", encoding),
                  "Create the target database with ENCODING 'UTF8' TEMPLATE template0.");
}

} // namespace

void check_target(PrecheckContext &context) {
    static constexpr NamedCheck each[] = {{"target.version", check_version},  {"target.primary", check_primary},
                                          {"target.state", check_state},      {"target.create", check_create},
                                          {"target.quiet", check_quiet},      {"target.origin", check_origin},
                                          {"target.encoding", check_encoding}};
    for (const auto &[id, check] : each)
        context.run(id, context.target, [&, check = check](pg::Session &session) { check(context, session); });
}

} // namespace walbridge::task
