// precheck_source.cpp: the source as a server: version, WAL level, slots, the plugin, what slot creation would wait
// for.
#include "dialect/postgres.hpp"
#include "task/precheck_checks.hpp"
#include "task/slot_watch.hpp"
#include "task/start.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

std::string role_of(pg::Session &session) {
    return dialect::postgres::quote_identifier(session.value("SELECT current_user").value());
}

void check_version(PrecheckContext &context, pg::Session &source) {
    const int major = source.server_version() / 10000;
    if (major < 13 || major > 18)
        return context.error("source.version", fmt::format("version {} is outside 13 to 18", major),
                             "Upgrade the source; versions below 13 lack what exact replication needs.");
    context.ok("source.version", fmt::format("PostgreSQL {}", major));
}

void check_primary(PrecheckContext &context, pg::Session &source) {
    if (source.query("SELECT pg_catalog.pg_is_in_recovery()").flag(0, 0))
        return context.error(
            "source.primary", "the server is a standby",
            "Give the address of the primary in source.url (target_session_attrs=read-write chooses it).");
    context.ok("source.primary", "the server is a primary");
}

void check_wal_level(PrecheckContext &context, pg::Session &source) {
    const auto level = source.value("SHOW wal_level").value();
    if (level != "logical")
        return context.error("source.wal_level", fmt::format("wal_level is {}", level),
                             "ALTER SYSTEM SET wal_level = logical; then restart the source.");
    context.ok("source.wal_level", "wal_level is logical");
}

/// Proven by a replication connection: pg_hba.conf, the role's attribute, and that no pooler is in between.
void check_replication(PrecheckContext &context, pg::Session &source) {
    try {
        pg::Session replication(
            context.config.source.endpoint,
            {.application_name = context.config.application_name("precheck"), .replication = true, .settings = {}});
        const auto system = replication.execute("IDENTIFY_SYSTEM").text(0, 0);
        const auto seen = source.value("SELECT system_identifier FROM pg_catalog.pg_control_system()");
        if (seen && *seen != system)
            return context.error("source.replication",
                                 "replication connections reach another cluster than ordinary ones",
                                 "Connect to the primary itself, not through a proxy or pooler.");
        context.ok("source.replication", "the role may open replication connections");
    } catch (const SqlError &failure) {
        const bool attribute =
            source.query("SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
                .flag(0, 0);
        context.error("source.replication", failure.reason(),
                      attribute ? "Allow the role in pg_hba.conf: host DATABASE ROLE ADDRESS scram-sha-256 (a logical "
                                  "walsender uses the database's own lines)."
                                : fmt::format("ALTER ROLE {} REPLICATION;", role_of(source)));
    }
}

void check_slots(PrecheckContext &context, pg::Session &source) {
    const auto row = source.query("SELECT pg_catalog.current_setting('max_replication_slots')::integer, (SELECT "
                                  "count(*) FROM pg_catalog.pg_replication_slots), "
                                  "(SELECT count(*) FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)",
                                  {context.config.slot_name()});
    const auto total = row.number(0, 0), used = row.number(0, 1), needed = 1 - row.number(0, 2);
    const auto left = total - used;
    const auto text = fmt::format(
        "{} of max_replication_slots = {} are free, {} needed and one spare for resuming a copy", left, total, needed);
    const auto fix =
        fmt::format("ALTER SYSTEM SET max_replication_slots = {}; then restart the source.", used + needed + 1);
    if (left < needed)
        context.error("source.slots", text, fix);
    else if (left < needed + 1)
        context.warning("source.slots", text, fix);
    else
        context.ok("source.slots", text);
}

void check_senders(PrecheckContext &context, pg::Session &source) {
    const auto row = source.query("SELECT pg_catalog.current_setting('max_wal_senders')::integer, (SELECT count(*) "
                                  "FROM pg_catalog.pg_stat_replication "
                                  "WHERE NOT pg_catalog.starts_with(coalesce(application_name, ''), $1))",
                                  {context.config.application_name("")});
    const auto total = row.number(0, 0), used = row.number(0, 1);
    // One streams, one checks the identity at a start, one holds the snapshot of a resumed copy.
    const auto text = fmt::format("{} of max_wal_senders = {} are free, 2 needed and one spare", total - used, total);
    const auto fix = fmt::format("ALTER SYSTEM SET max_wal_senders = {}; then restart the source.", used + 3);
    if (total - used < 2)
        context.error("source.senders", text, fix);
    else if (total - used < 3)
        context.warning("source.senders", text, fix);
    else
        context.ok("source.senders", text);
}

std::string library_fix(pg::Session &source) {
    const auto libraries =
        source.value("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries'");
    return fmt::format("ALTER SYSTEM SET output_plugin_libraries = {}walbridge; SELECT pg_reload_conf();",
                       libraries && !libraries->empty() ? *libraries + ", " : "");
}

/// The setting first, because its refusal is the clearest; then a temporary slot, which makes the server load the
/// library.
void check_plugin(PrecheckContext &context, pg::Session &source) {
    const auto libraries =
        source.value("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries'");
    if (libraries) {
        const auto listed = source.query("SELECT pg_catalog.bool_or(pg_catalog.btrim(name, ' \"') = $2) FROM "
                                         "pg_catalog.regexp_split_to_table($1, ',') name",
                                         {*libraries, slot_plugin});
        if (listed.null(0, 0) || !listed.flag(0, 0))
            return context.error(
                "source.plugin",
                fmt::format("output_plugin_libraries does not list {} (it is: {})", slot_plugin, *libraries),
                library_fix(source));
    }
    if (source.value("SHOW wal_level") != "logical")
        return context.skipped("source.plugin", "needs wal_level = logical");
    const auto probe = fmt::format("{}_precheck", context.config.slot_name()).substr(0, 63);
    try {
        source.execute("SET statement_timeout = '3s'");
        source.query("SELECT pg_catalog.pg_create_logical_replication_slot($1, $2, true)", {probe, slot_plugin});
        source.query("SELECT pg_catalog.pg_drop_replication_slot($1)", {probe});
        source.execute("SET statement_timeout = '60s'");
    } catch (const SqlError &failure) {
        source.execute("SET statement_timeout = '60s'");
        const auto &state = failure.sqlstate();
        if (state == "57014") // loaded, and now waiting for open transactions
            return context.ok("source.plugin",
                              "the server loads the plugin (creating a slot waits for open transactions now)");
        if (state == "53400") return context.skipped("source.plugin", "no slot is free to try it");
        if (state == "42710") return context.skipped("source.plugin", "another precheck is trying it");
        const bool missing = state == "58P01" || failure.reason().find("could not access file") != std::string::npos;
        const bool unlisted = failure.reason().find("may not be used as an output plugin") != std::string::npos;
        return context.error("source.plugin", failure.reason(),
                             missing            ? "Install walbridge's package, or run make install, on the source."
                             : unlisted         ? library_fix(source)
                             : state == "42501" ? fmt::format("ALTER ROLE {} REPLICATION;", role_of(source))
                                                : "Mend what the server says and run precheck again.");
    }
    context.ok("source.plugin", "the server loads the plugin");
}

void check_extension(PrecheckContext &context, pg::Session &source) {
    const auto row = source.query(
        "SELECT default_version, installed_version FROM pg_catalog.pg_available_extensions WHERE name = 'walbridge'");
    if (row.rows() == 0)
        return context.warning("source.extension", "the extension's files are not installed",
                               "Install walbridge's package, or run make install, on the source.");
    if (row.null(0, 1))
        return context.ok(
            "source.extension",
            fmt::format("version {} is available; replicating rows does not need it created", row.get(0, 0)));
    if (row.get(0, 0) != row.get(0, 1))
        return context.warning("source.extension",
                               fmt::format("version {} is installed, {} is available", row.get(0, 1), row.get(0, 0)),
                               "ALTER EXTENSION walbridge UPDATE;");
    context.ok("source.extension", fmt::format("version {}", row.get(0, 1)));
}

void check_transactions(PrecheckContext &context, pg::Session &source) {
    const auto rows =
        source.query("SELECT pid, usename, coalesce(pg_catalog.to_char(pg_catalog.clock_timestamp() - xact_start, "
                     "'HH24:MI:SS'), '?') FROM pg_catalog.pg_stat_activity "
                     "WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() AND NOT coalesce(xact_start "
                     "> pg_catalog.clock_timestamp() - interval '5 s', true) ORDER BY xact_start");
    std::vector<std::string> open;
    for (int row = 0; row < rows.rows(); ++row)
        open.push_back(fmt::format("pid {} of {} for {}", rows.get(row, 0), rows.get(row, 1), rows.get(row, 2)));
    if (open.empty()) return context.ok("source.transactions", "no long transaction is open");
    context.warning("source.transactions", fmt::format("creating the slot waits for {}", some_of(open)),
                    "Let them end, or end them: SELECT pg_terminate_backend(PID);");
}

void check_prepared(PrecheckContext &context, pg::Session &source) {
    const auto rows =
        source.query("SELECT gid, database, prepared FROM pg_catalog.pg_prepared_xacts ORDER BY prepared");
    std::vector<std::string> open;
    for (int row = 0; row < rows.rows(); ++row)
        open.push_back(fmt::format("'{}' in {} since {}", rows.get(row, 0), rows.get(row, 1), rows.get(row, 2)));
    if (open.empty()) return context.ok("source.prepared", "no prepared transaction is open");
    context.warning("source.prepared",
                    fmt::format("creating the slot waits for prepared transactions: {}", some_of(open)),
                    "COMMIT PREPARED or ROLLBACK PREPARED each of them in its database.");
}

void check_slot_name(PrecheckContext &context, pg::Session &source) {
    const auto slot = read_slot(source, context.config.slot_name());
    if (!slot) return context.ok("source.slot", fmt::format("the name {} is free", context.config.slot_name()));
    const auto here = source.value("SELECT pg_catalog.current_database()").value();
    if (slot->plugin == slot_plugin && slot->database == here)
        return context.ok("source.slot", fmt::format("{} exists, {}, wal_status {}", context.config.slot_name(),
                                                     slot->active ? "in use" : "not in use", slot->wal_status));
    context.error("source.slot",
                  fmt::format("{} exists and is somebody else's: plugin {}, database {}", context.config.slot_name(),
                              slot->plugin, slot->database),
                  "Choose another task name: names are unique on the source cluster.");
}

void check_encoding(PrecheckContext &context, pg::Session &source) {
    const auto encoding = source.value("SHOW server_encoding").value();
    if (encoding == "SQL_ASCII")
        return context.warning(
            "source.encoding",
            "SQL_ASCII: the server cannot convert its text, bytes that are not UTF-8 will be refused by the target",
            "Check text columns for other encodings first, or convert the database to UTF8.");
    context.ok("source.encoding", encoding + (encoding == "UTF8" ? "" : ", converted to UTF8"));
}

} // namespace

void check_source(PrecheckContext &context) {
    static constexpr NamedCheck each[] = {
        {"source.version", check_version},     {"source.primary", check_primary},
        {"source.wal_level", check_wal_level}, {"source.replication", check_replication},
        {"source.slots", check_slots},         {"source.senders", check_senders},
        {"source.plugin", check_plugin},       {"source.extension", check_extension},
        {"source.slot", check_slot_name},      {"source.transactions", check_transactions},
        {"source.prepared", check_prepared},   {"source.encoding", check_encoding}};
    for (const auto &[id, check] : each)
        context.run(id, context.source, [&, check = check](pg::Session &session) { check(context, session); });
}

} // namespace walbridge::task
