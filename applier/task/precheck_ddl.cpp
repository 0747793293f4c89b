// precheck_ddl.cpp: whether the source captures DDL: the extension, its library in every session, its event triggers,
// its switch, and the key that lets us tell its messages from forged ones.
#include "dialect/postgres.hpp"
#include "task/precheck_checks.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

constexpr const char *off_fix = "Or set ddl.classes = \"none\", and bring the target's definitions along by hand.";

/// pg_db_role_setting's rows of this database, or of all, that set `name`: who (for people), the ALTER's words, the
/// value.
struct RoleSetting {
    std::string who, alter, value;
    bool everybody = false; ///< not of a single role
    bool mine = false;      ///< of the role of source.url
};

std::vector<RoleSetting> role_settings(pg::Session &source, const std::string &name) {
    const auto rows = source.query(
        "SELECT CASE WHEN s.setrole = 0 THEN 'every role' ELSE 'role ' || r.rolname END || "
        "CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END, "
        "CASE WHEN s.setrole <> 0 THEN 'ALTER ROLE ' || pg_catalog.quote_ident(r.rolname) || "
        "CASE WHEN s.setdatabase = 0 THEN '' ELSE ' IN DATABASE ' || d.name END "
        "WHEN s.setdatabase = 0 THEN 'ALTER ROLE ALL' ELSE 'ALTER DATABASE ' || d.name END, "
        "pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1), s.setrole = 0, coalesce(r.rolname = current_user, false) "
        "FROM (SELECT oid, pg_catalog.quote_ident(datname) AS name FROM pg_catalog.pg_database "
        "WHERE datname = pg_catalog.current_database()) d "
        "JOIN pg_catalog.pg_db_role_setting s ON s.setdatabase IN (0, d.oid) "
        "LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c "
        "WHERE pg_catalog.split_part(c, '=', 1) = $1 ORDER BY 1",
        {name});
    std::vector<RoleSetting> found;
    for (int row = 0; row < rows.rows(); ++row)
        found.push_back(
            {rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.flag(row, 3), rows.flag(row, 4)});
    return found;
}

bool names_library(pg::Session &source, const std::string &list) {
    const auto row = source.query("SELECT coalesce(pg_catalog.bool_or(pg_catalog.btrim(name, ' \"') IN ('walbridge', "
                                  "'$libdir/walbridge', 'walbridge.so')), false) FROM "
                                  "pg_catalog.regexp_split_to_table($1, ',') name",
                                  {list});
    return row.flag(0, 0);
}

/// A session of its own: calling one of the extension's functions loads the library into the session that asks.
pg::Session fresh_session(const PrecheckContext &context) {
    return {context.config.source.endpoint,
            {.application_name = context.config.application_name("precheck"), .replication = false, .settings = {}}};
}

bool loaded(pg::Session &fresh) {
    return fresh.value("SELECT 1 FROM pg_catalog.pg_settings WHERE name = 'walbridge.capture_ddl'").has_value();
}

bool created(pg::Session &source) {
    return source.value("SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'walbridge'").has_value();
}

void check_extension(PrecheckContext &context, pg::Session &source) {
    const auto installed = source.value("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'walbridge'");
    if (!installed)
        return context.error("ddl.extension", "the extension that captures DDL is not created in the source's database",
                             std::string("CREATE EXTENSION walbridge; ") + off_fix);
    const auto library = source.value("SELECT walbridge.version()").value();
    if (library != *installed)
        return context.error(
            "ddl.extension",
            fmt::format("the extension is of version {}, the server's library of {}", *installed, library),
            "Install one version of walbridge's package on the source, then ALTER EXTENSION walbridge "
            "UPDATE; and let sessions connect anew.");
    context.ok("ddl.extension", fmt::format("version {}", *installed));
}

void check_preload(PrecheckContext &context, pg::Session &source) {
    auto fresh = fresh_session(context);
    // Hidden from roles without pg_read_all_settings: whether the library is there is seen all the same.
    const auto list =
        fresh.value("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'session_preload_libraries'");
    const auto database =
        dialect::postgres::quote_identifier(source.value("SELECT pg_catalog.current_database()").value());
    const auto fix =
        fmt::format("ALTER DATABASE {} SET session_preload_libraries = {}walbridge; {}Sessions that are connected keep "
                    "what they have. {}",
                    database, list && !list->empty() && !names_library(source, *list) ? *list + ", " : "",
                    list ? "" : "(Add it to what stands there.) ", off_fix);
    if (!loaded(fresh))
        return context.error(
            "ddl.preload", "a new session does not load the library, so the beginning of statements is not seen", fix);
    if (list && !names_library(source, *list))
        return context.ok("ddl.preload", "the server loads the library at its start");
    std::vector<std::string> without, fixes;
    bool everybody_without = false, everybody_with = false, mine_with = false;
    for (const auto &setting : role_settings(source, "session_preload_libraries")) {
        if (names_library(source, setting.value)) {
            everybody_with = everybody_with || setting.everybody;
            mine_with = mine_with || setting.mine;
            continue;
        }
        without.push_back(setting.who);
        fixes.push_back(fmt::format("{} SET session_preload_libraries = {}walbridge;", setting.alter,
                                    setting.value.empty() || setting.value == "\"\"" ? "" : setting.value + ", "));
        everybody_without = everybody_without || setting.everybody;
    }
    if (mine_with && !everybody_with)
        return context.error("ddl.preload", "only for walbridge's own role is it set that sessions load the library",
                             fix);
    if (without.empty()) return context.ok("ddl.preload", "every new session loads the library");
    const auto text = fmt::format("a setting takes the library away from {}: their DDL leaves a gap", some_of(without));
    if (everybody_without)
        context.error("ddl.preload", text, fmt::format("{}", fmt::join(fixes, " ")));
    else
        context.warning("ddl.preload", text, fmt::format("{}", fmt::join(fixes, " ")));
}

void check_triggers(PrecheckContext &context, pg::Session &source) {
    const auto rows = source.query(
        "SELECT w.name, t.evtenabled FROM (VALUES ('00_walbridge_ddl_command_end'), ('00_walbridge_sql_drop'), "
        "('00_walbridge_table_rewrite')) w (name) LEFT JOIN pg_catalog.pg_event_trigger t ON t.evtname = w.name ORDER "
        "BY 1");
    std::vector<std::string> missing, disabled, fixes;
    for (int row = 0; row < rows.rows(); ++row) {
        if (rows.null(row, 1)) {
            missing.push_back(rows.text(row, 0));
        } else if (rows.get(row, 1) != "O" && rows.get(row, 1) != "A") {
            disabled.push_back(rows.text(row, 0));
            fixes.push_back(
                fmt::format("ALTER EVENT TRIGGER {} ENABLE;", dialect::postgres::quote_identifier(rows.get(row, 0))));
        }
    }
    if (!missing.empty())
        return context.error(
            "ddl.triggers", fmt::format("event triggers are missing: {}", some_of(missing)),
            "Create the extension anew when nothing is captured: DROP EXTENSION walbridge; CREATE EXTENSION "
            "walbridge;");
    if (!disabled.empty())
        return context.error("ddl.triggers", fmt::format("event triggers are disabled: {}", some_of(disabled)),
                             fmt::format("{}", fmt::join(fixes, " ")));
    const auto global = source.value("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'event_triggers'"); // 17+
    if (global && *global == "off")
        return context.error("ddl.triggers", "event_triggers is off",
                             "ALTER SYSTEM SET event_triggers = on; SELECT pg_reload_conf();");
    context.ok("ddl.triggers", "all event triggers are enabled");
}

void check_switch(PrecheckContext &context, pg::Session &) {
    auto fresh = fresh_session(context);
    if (!loaded(fresh)) return context.skipped("ddl.capture", "a new session does not load the library");
    const auto row =
        fresh.query("SELECT setting, source FROM pg_catalog.pg_settings WHERE name = 'walbridge.capture_ddl'");
    const auto from = row.text(0, 1);
    if (row.get(0, 0) != "on" && from != "user" && from != "database user")
        return context.error("ddl.capture", "walbridge.capture_ddl is off: statements leave gaps",
                             fmt::format("ALTER {} walbridge.capture_ddl; and SELECT pg_reload_conf();",
                                         from == "database"
                                             ? "DATABASE " +
                                                   dialect::postgres::quote_identifier(
                                                       fresh.value("SELECT pg_catalog.current_database()").value()) +
                                                   " RESET"
                                             : "SYSTEM RESET"));
    std::vector<std::string> without, fixes;
    for (const auto &setting : role_settings(fresh, "walbridge.capture_ddl")) {
        if (setting.value == "on" || setting.value == "true" || setting.value == "1" || setting.value == "yes")
            continue;
        without.push_back(setting.who);
        fixes.push_back(fmt::format("{} RESET walbridge.capture_ddl;", setting.alter));
    }
    if (!without.empty())
        return context.warning("ddl.capture",
                               fmt::format("capture is switched off for {}: their DDL leaves a gap", some_of(without)),
                               fmt::format("{}", fmt::join(fixes, " ")));
    context.ok("ddl.capture", "walbridge.capture_ddl is on for every database and role");
}

/// A policy hides the key from everybody but members, also from roles that read all data: it is asked for under the
/// policy, which sessions of ours are else told to refuse.
void check_key(PrecheckContext &context, pg::Session &source) {
    const auto row = source.query("SELECT r.oid IS NOT NULL, m.rolsuper OR coalesce(pg_catalog.pg_has_role(m.oid, "
                                  "r.oid, 'USAGE'), false), pg_catalog.quote_ident(m.rolname) "
                                  "FROM pg_catalog.pg_roles m LEFT JOIN pg_catalog.pg_roles r ON r.rolname = "
                                  "'walbridge_capture' WHERE m.rolname = current_user");
    if (!row.flag(0, 0))
        return context.error("ddl.key", "the role walbridge_capture does not exist",
                             "Create it with the extension: DROP EXTENSION walbridge; CREATE EXTENSION walbridge;");
    if (!row.flag(0, 1))
        return context.error("ddl.key", "the role may not read the key that captured DDL is sealed with",
                             fmt::format("GRANT walbridge_capture TO {};", row.get(0, 2)));
    pg::Session reader(context.config.source.endpoint, {.application_name = context.config.application_name("precheck"),
                                                        .replication = false,
                                                        .settings = {{"row_security", "on"}}});
    if (reader.value("SELECT count(*) FROM walbridge.capture_key").value() == "0")
        return context.error("ddl.key", "there is no key: captured DDL cannot be sealed",
                             "SELECT walbridge.rotate_capture_key();");
    context.ok("ddl.key", "the role may read the key that captured DDL is sealed with");
}

} // namespace

void check_ddl(PrecheckContext &context) {
    static constexpr NamedCheck each[] = {{"ddl.extension", check_extension},
                                          {"ddl.preload", check_preload},
                                          {"ddl.triggers", check_triggers},
                                          {"ddl.capture", check_switch},
                                          {"ddl.key", check_key}};
    const bool off = context.config.ddl.off() || !context.config.incremental_stage;
    for (const auto &[id, check] : each) {
        if (off)
            context.ok(id, context.config.incremental_stage ? "ddl.classes is \"none\"" : "no incremental stage");
        else
            context.run(id, context.source, [&, id = id, check = check](pg::Session &session) {
                const bool needs_extension = check == check_triggers || check == check_key;
                if (needs_extension && !created(session)) return context.skipped(id, "the extension is not created");
                check(context, session);
            });
    }
}

} // namespace walbridge::task
