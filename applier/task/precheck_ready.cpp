// precheck_ready.cpp: whether the target has what definitions and applications rely on beside tables: extensions,
// collations, access methods, tablespaces, the database's locale, settings of database and roles [O-19].
#include "dialect/postgres.hpp"
#include "schema/closure.hpp"
#include "source/object_graph.hpp"
#include "source/roles.hpp"
#include "task/precheck_checks.hpp"
#include "task/target_database.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

std::string oids_of(const PrecheckContext &context) {
    std::string list;
    for (const auto &table : context.selected) list += (list.empty() ? "" : ",") + std::to_string(table.oid);
    return list;
}

/// Selected tables and their indexes, as a condition on c.oid with the oids as $1.
const char *const selected_relations =
    "(c.oid = ANY (pg_catalog.string_to_array($1, ',')::oid[]) OR c.oid IN (SELECT i.indexrelid FROM "
    "pg_catalog.pg_index i WHERE i.indrelid = ANY (pg_catalog.string_to_array($1, ',')::oid[])))";

/// Collects what a check finds: the worst of it is the verdict, one line of reasons, one of fixes.
struct Findings {
    std::vector<std::string> errors, warnings, fixes;
    void report(PrecheckContext &context, const char *id, const std::string &all_well) const {
        if (errors.empty() && warnings.empty()) return context.ok(id, all_well);
        auto reasons = errors;
        reasons.insert(reasons.end(), warnings.begin(), warnings.end());
        std::string fix;
        for (const auto &one : fixes) fix += (fix.empty() ? "" : " ") + one;
        if (errors.empty()) return context.warning(id, some_of(reasons, 10), fix);
        context.error(id, some_of(reasons, 10), fix);
    }
};

/// 1.10 is newer than 1.9; words count as zero.
bool older(std::string_view a, std::string_view b) {
    const auto numbers = [](std::string_view text) {
        std::vector<int> list;
        while (!text.empty()) {
            const auto end = std::min(text.find_first_of(".-"), text.size());
            int number = 0;
            std::from_chars(text.data(), text.data() + end, number);
            list.push_back(number);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        return list;
    };
    return numbers(a) < numbers(b);
}

void check_extensions(PrecheckContext &context, pg::Session &target) {
    const auto graph = source::read_object_graph(*context.source);
    const auto closure = schema::select_objects(
        graph, wire::ObjectSelection(context.config.objects.include, context.config.objects.exclude));
    std::set<std::string> needed;
    for (const auto &id : closure.objects)
        if (const auto *object = graph.find(id);
            id.catalog == source::catalog_class::extension && object != nullptr && object->name != "walbridge")
            needed.insert(object->name);
    Findings found;
    for (const auto &name : needed) {
        const auto here =
            context.source->value("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = $1", {name});
        if (!here) continue; // dropped meanwhile
        const auto there = target.query(
            "SELECT a.installed_version, a.default_version, coalesce((SELECT v.superuser AND NOT v.trusted FROM "
            "pg_catalog.pg_available_extension_versions v WHERE v.name = a.name AND v.version = a.default_version), "
            "false), (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) FROM "
            "pg_catalog.pg_available_extensions a WHERE a.name = $1",
            {name});
        if (there.rows() == 0) {
            found.errors.push_back(fmt::format("{} ({} on the source) is not available", name, *here));
            found.fixes.push_back(fmt::format("Install the package of {} on the target's server.", name));
            continue;
        }
        const bool installed = !there.null(0, 0);
        const auto version = there.text(0, installed ? 0 : 1);
        if (!installed && there.flag(0, 2) && !there.flag(0, 3)) {
            auto &list = context.config.schema_stage && !context.started ? found.errors : found.warnings;
            list.push_back(fmt::format("{} can be created by a superuser only", name));
            found.fixes.push_back(fmt::format("As superuser: CREATE EXTENSION {};", quote_identifier(name)));
        }
        if (version == *here) continue;
        found.warnings.push_back(
            fmt::format("{} is {} on the source and {} on the target{}", name, *here, version,
                        older(version, *here) ? ", older: what it lacks cannot be created there" : ""));
        if (older(version, *here))
            found.fixes.push_back(installed && older(version, there.get(0, 1))
                                      ? fmt::format("ALTER EXTENSION {} UPDATE;", quote_identifier(name))
                                      : fmt::format("Install a newer package of {} on the target's server.", name));
        else
            found.fixes.push_back(fmt::format("Read the release notes of {} between the two.", name));
    }
    found.report(context, "ready.extensions",
                 needed.empty()
                     ? "no selected object needs an extension"
                     : fmt::format("available in the source's versions: {}", some_of({needed.begin(), needed.end()})));
}

void check_collations(PrecheckContext &context, pg::Session &target) {
    const auto rows = context.source->query(
        fmt::format(
            "SELECT n.nspname, o.collname, o.collprovider, coalesce(o.collcollate, ''), o.oid < 16384, "
            "pg_catalog.pg_collation_actual_version(o.oid) FROM pg_catalog.pg_collation o JOIN pg_catalog.pg_namespace "
            "n ON n.oid = o.collnamespace WHERE o.collprovider <> 'd' AND o.collname NOT IN ('C', 'POSIX', "
            "'ucs_basic') AND o.oid IN (SELECT a.attcollation FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class "
            "c ON c.oid = a.attrelid WHERE {0} AND a.attnum > 0 AND NOT a.attisdropped UNION SELECT "
            "pg_catalog.unnest(x.indcollation) FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = "
            "x.indexrelid WHERE {0}) ORDER BY 1, 2",
            selected_relations),
        {oids_of(context)});
    Findings found;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto name = rows.text(row, 1);
        const bool icu = rows.get(row, 2) == "i", system = rows.flag(row, 4);
        // Names of locales are written in several ways: en_US.utf8 is en_US.UTF-8. An ICU that is there knows them all.
        const auto there = target.query(
            "SELECT o.oid, pg_catalog.pg_collation_actual_version(o.oid) FROM pg_catalog.pg_collation o WHERE "
            "o.collprovider::text = $1 AND CASE WHEN $4::boolean THEN o.collname = $2 AND o.collnamespace = "
            "'pg_catalog'::regnamespace AND o.collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database WHERE "
            "datname = pg_catalog.current_database())) WHEN $1 = 'i' THEN true ELSE "
            "pg_catalog.replace(pg_catalog.lower(o.collcollate), '-', '') = "
            "pg_catalog.replace(pg_catalog.lower($3), '-', '') END ORDER BY o.collname = $2 DESC LIMIT 1",
            {rows.text(row, 2), name, rows.text(row, 3), system ? "true" : "false"});
        if (there.rows() == 0) {
            auto &list = context.config.schema_stage && !context.started ? found.errors : found.warnings;
            list.push_back(fmt::format("the target does not have {}", name));
            found.fixes.push_back(icu ? "Use a target server that is built with ICU."
                                      : fmt::format("Install the locale {} on the target's machine{}", rows.get(row, 3),
                                                    system ? ", then SELECT "
                                                             "pg_catalog.pg_import_system_collations('pg_catalog');"
                                                           : "."));
        } else if ((system || !icu) && !rows.null(row, 5) && !there.null(0, 1) && rows.get(row, 5) != there.get(0, 1)) {
            found.warnings.push_back(fmt::format("{} has version {} on the source and {} on the target", name,
                                                 rows.get(row, 5), there.get(0, 1)));
            found.fixes.emplace_back("Texts may sort otherwise on the target: ORDER BY and ranges over text can answer "
                                     "in another order. Indexes are built there and are right.");
        }
    }
    std::ranges::sort(found.fixes);
    found.fixes.erase(std::ranges::unique(found.fixes).begin(), found.fixes.end());
    found.report(context, "ready.collations",
                 rows.rows() == 0 ? "selected columns use the database's collation"
                                  : "the target has the collations of selected columns");
}

void check_access_methods(PrecheckContext &context, pg::Session &target) {
    const auto rows = context.source->query(
        fmt::format("SELECT DISTINCT m.amname, e.extname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am m ON m.oid = "
                    "c.relam LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_am'::regclass AND d.objid "
                    "= m.oid AND d.deptype = 'e' LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid WHERE {} "
                    "ORDER BY 1",
                    selected_relations),
        {oids_of(context)});
    Findings found;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto name = rows.text(row, 0);
        if (target.value("SELECT 1 FROM pg_catalog.pg_am WHERE amname = $1", {name})) continue;
        if (!rows.null(row, 1)) continue; // comes with its extension, which ready.extensions looks at
        found.errors.push_back(fmt::format("the target does not have {}", name));
        found.fixes.push_back(fmt::format("CREATE ACCESS METHOD {} on the target as on the source.", name));
    }
    found.report(context, "ready.access_methods", "the target has the access methods of selected tables and indexes");
}

void check_tablespaces(PrecheckContext &context, pg::Session &) {
    const auto rows = context.source->query(
        fmt::format("SELECT t.spcname, count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t ON t.oid = "
                    "c.reltablespace WHERE {} GROUP BY 1 ORDER BY 1",
                    selected_relations),
        {oids_of(context)});
    if (rows.rows() == 0 || !context.config.schema_stage)
        return context.ok("ready.tablespaces", rows.rows() == 0
                                                   ? "selected tables and indexes lie in the default tablespace"
                                                   : "no schema stage");
    std::vector<std::string> names;
    for (int row = 0; row < rows.rows(); ++row)
        names.push_back(fmt::format("{} of {}", rows.get(row, 1), rows.get(row, 0)));
    context.warning(
        "ready.tablespaces",
        fmt::format("created in the target's default tablespace, without those of the source: {}", some_of(names)),
        "Create the tables on the target before the start (task.stages without \"schema\"), or move them "
        "afterwards: ALTER TABLE ... SET TABLESPACE ...;");
}

struct Locale {
    std::string provider, collate, ctype, locale;
    std::optional<std::string> version; ///< of the library that sorts, as it is now
};

Locale read_locale(pg::Session &session) {
    const auto row = session.query(fmt::format(
        "SELECT coalesce(j ->> 'datlocprovider', 'c'), d.datcollate, d.datctype, coalesce(j ->> 'datlocale', j ->> "
        "'daticulocale', ''), {} FROM pg_catalog.pg_database d, pg_catalog.to_jsonb(d) j WHERE d.datname = "
        "pg_catalog.current_database()",
        session.server_version() >= 150000 ? "pg_catalog.pg_database_collation_actual_version(d.oid)" : "NULL"));
    return {row.text(0, 0), row.text(0, 1), row.text(0, 2), row.text(0, 3),
            row.null(0, 4) ? std::nullopt : std::optional(row.text(0, 4))};
}

void check_locale(PrecheckContext &context, pg::Session &target) {
    const auto here = read_locale(*context.source), there = read_locale(target);
    std::vector<std::string> differences;
    const auto compare = [&](const char *what, const std::string &a, const std::string &b) {
        const auto shown = [](const std::string &text) { return text.empty() ? std::string("none") : text; };
        if (a != b)
            differences.push_back(fmt::format("{} {} on the source, {} on the target", what, shown(a), shown(b)));
    };
    compare("provider", here.provider, there.provider);
    compare("LC_COLLATE", here.collate, there.collate);
    compare("LC_CTYPE", here.ctype, there.ctype);
    compare("locale", here.locale, there.locale);
    const bool versions = differences.empty() && here.version && there.version && here.version != there.version;
    if (versions) compare("version of the sorting library", *here.version, *there.version);
    if (differences.empty()) return context.ok("ready.locale", "both databases sort and classify text alike");
    const auto name = target.value("SELECT pg_catalog.current_database()").value();
    context.warning(
        "ready.locale", fmt::format("text may sort or compare otherwise on the target: {}", some_of(differences)),
        versions ? "ORDER BY and ranges over text can answer in another order. Indexes are built there and are right."
                 : fmt::format("If the application relies on the order, create the target database anew: {};",
                               create_database_statement(*context.source, name, target.server_version())));
}

/// role (empty = everybody), whether it is for this database only, setting
struct Setting {
    std::string role;
    bool of_database = true;
    std::string name;
    auto operator<=>(const Setting &) const = default;
};

std::map<Setting, std::string> read_settings(pg::Session &session) {
    const auto rows = session.query(
        "SELECT coalesce(r.rolname, ''), s.setdatabase <> 0, c.entry FROM pg_catalog.pg_db_role_setting s LEFT JOIN "
        "pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c (entry) WHERE s.setdatabase IN "
        "(0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))");
    std::map<Setting, std::string> settings;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto entry = rows.text(row, 2);
        const auto equals = entry.find('=');
        if (equals == std::string::npos) continue;
        settings[{rows.text(row, 0), rows.flag(row, 1), entry.substr(0, equals)}] = entry.substr(equals + 1);
    }
    return settings;
}

std::string setting_statement(const Setting &setting, const std::string &value, const std::string &database) {
    // These are stored as a list of quoted identifiers, which is how they are given.
    static const std::set<std::string> lists{"local_preload_libraries",   "search_path",
                                             "session_preload_libraries", "shared_preload_libraries",
                                             "temp_tablespaces",          "unix_socket_directories"};
    const auto in_database = fmt::format("DATABASE {}", quote_identifier(database));
    const auto subject = setting.role.empty() ? in_database
                         : !setting.of_database
                             ? fmt::format("ROLE {}", quote_identifier(setting.role))
                             : fmt::format("ROLE {} IN {}", quote_identifier(setting.role), in_database);
    // A setting of an extension has a dot in its name, which is not part of an identifier.
    const bool list = lists.contains(setting.name) && !value.empty();
    return fmt::format("ALTER {} SET {} TO {};", subject, setting.name, list ? value : quote_literal(value));
}

void check_settings(PrecheckContext &context, pg::Session &target) {
    std::set<std::string> used; // a role's own settings matter where the role means something in this database
    for (const auto &use : source::read_roles(*context.source)) used.insert(use.role);
    const auto there = read_settings(target);
    const auto database = target.value("SELECT pg_catalog.current_database()").value();
    std::vector<std::string> names, statements;
    for (const auto &[setting, value] : read_settings(*context.source)) {
        // Capturing DDL is the source's affair.
        if (setting.name.starts_with("walbridge.")) continue;
        if (setting.name == "session_preload_libraries" && value == "walbridge") continue;
        if (!setting.of_database && !used.contains(setting.role)) continue;
        auto wanted = setting;
        wanted.role = context.config.role_on_target(setting.role);
        const auto found = there.find(wanted);
        if (found != there.end() && found->second == value) continue;
        names.push_back(wanted.role.empty() ? setting.name : fmt::format("{} of {}", setting.name, wanted.role));
        statements.push_back(setting_statement(wanted, value, database));
    }
    if (names.empty()) return context.ok("ready.settings", "settings of database and roles are the source's");
    std::string fix;
    for (const auto &statement : statements) fix += (fix.empty() ? "" : " ") + statement;
    context.warning("ready.settings",
                    fmt::format("set for database or roles on the source and not so on the target: {}", some_of(names)),
                    fix);
}

} // namespace

void check_readiness(PrecheckContext &context) {
    static constexpr NamedCheck each[] = {{"ready.extensions", check_extensions},
                                          {"ready.collations", check_collations},
                                          {"ready.access_methods", check_access_methods},
                                          {"ready.tablespaces", check_tablespaces},
                                          {"ready.locale", check_locale},
                                          {"ready.settings", check_settings}};
    for (const auto &[id, check] : each) {
        if (!context.source || !context.catalog_read) {
            context.skipped(id, "the source's catalog could not be read");
            continue;
        }
        context.run(id, context.target, [&, check = check](pg::Session &session) { check(context, session); });
    }
}

} // namespace walbridge::task
