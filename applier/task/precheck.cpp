// precheck.cpp: connects, runs the groups of checks, and writes the report.
#include "task/precheck.hpp"

#include "base/log.hpp"
#include "config/value_text.hpp"
#include "dialect/postgres.hpp"
#include "source/shape.hpp"
#include "target/state_session.hpp"
#include "task/precheck_checks.hpp"
#include "task/state_store.hpp"
#include "task/target_database.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warning: return "warning";
    case Verdict::error: return "error";
    case Verdict::skipped: return "skipped";
    }
    return {};
}

/// The target's server answers, and its database is not there. False when something else is wrong.
bool name_missing_database(PrecheckContext &context, const Error &failure) {
    try {
        const auto missing = find_missing_database(context.config, failure);
        if (!missing) return false;
        context.target_missing = true;
        context.ok("target.connection", "the server answers; the database does not exist yet");
        const auto reason = fmt::format("the database {} does not exist on the target", missing->name);
        if (!context.config.target.create)
            context.error("target.database", reason,
                          fmt::format("{}; or set target.create = true.", missing->statement));
        else if (!missing->may_create)
            context.error("target.database", fmt::format("{}, and the role may not create it", reason),
                          fmt::format("ALTER ROLE {} CREATEDB;", missing->role));
        else
            context.ok("target.database", fmt::format("{}: run creates it: {};", reason, missing->statement));
        return true;
    } catch (const Error &) {
        return false;
    }
}

std::optional<pg::Session> connect(PrecheckContext &context, const pg::Endpoint &endpoint) {
    const auto id = endpoint.role + ".connection";
    try {
        pg::Session session(endpoint, {.application_name = context.config.application_name("precheck"),
                                       .replication = false,
                                       .settings = {{"statement_timeout", "60s"}, {"lock_timeout", "500ms"}}});
        context.ok(id, fmt::format("{}, server {}", pg::describe(endpoint.url),
                                   session.value("SHOW server_version").value_or("?")));
        return session;
    } catch (const Error &failure) {
        if (endpoint.role == "target" && name_missing_database(context, failure)) return std::nullopt;
        if (failure.kind() == ErrorKind::connection) context.report.lost = endpoint.role;
        context.error(id, failure.reason(), failure.remedy());
        if (endpoint.role == "target") context.skipped("target.database", "the server cannot be reached");
        return std::nullopt;
    }
}

} // namespace

const std::vector<std::string> &precheck_ids() {
    static const std::vector<std::string> ids{"source.connection",    "source.version",      "source.primary",
                                              "source.wal_level",     "source.replication",  "source.slots",
                                              "source.senders",       "source.plugin",       "source.extension",
                                              "source.slot",          "source.transactions", "source.prepared",
                                              "source.encoding",      "source.retention",    "source.failover",
                                              "source.guard",         "ddl.extension",       "ddl.preload",
                                              "ddl.triggers",         "ddl.capture",         "ddl.key",
                                              "target.connection",    "target.database",     "target.version",
                                              "target.primary",       "target.state",        "target.create",
                                              "target.quiet",         "target.origin",       "target.encoding",
                                              "tables.selected",      "tables.select",       "tables.row_security",
                                              "tables.identity",      "tables.deferrable",   "tables.unsupported",
                                              "tables.large_objects", "tables.renames",      "tables.rules",
                                              "tables.target",        "tables.existing",     "tables.columns",
                                              "target.rights",        "target.triggers",     "target.roles",
                                              "target.role_members",  "target.user_code",    "target.space",
                                              "ready.extensions",     "ready.collations",    "ready.access_methods",
                                              "ready.tablespaces",    "ready.locale",        "ready.settings",
                                              "tools.pg_dump",        "topology.loops",      "topology.overlap",
                                              "topology.sequences",   "topology.reverse",    "conflict.timestamps",
                                              "clock.offset",         "mysql.durability",    "mysql.load_data",
                                              "mysql.packet",         "mysql.names",         "mysql.definitions",
                                              "mysql.values"};
    return ids;
}

int PrecheckReport::count(Verdict verdict) const {
    return static_cast<int>(std::ranges::count(findings, verdict, &Finding::verdict));
}

std::set<std::string> PrecheckContext::schemas_there() const {
    std::set<std::string> schemas;
    for (const auto &table : selected) schemas.insert(there(table).schema);
    return schemas;
}

std::string PrecheckContext::schema_literals_there() const {
    std::string list = "NULL"; // none may be left
    for (const auto &schema : schemas_there()) list += ", " + dialect::postgres::quote_literal(schema);
    return list;
}

std::string some_of(const std::vector<std::string> &names, std::size_t most) {
    std::string out;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i) out += (i > 0 ? ", " : "") + names[i];
    if (names.size() > most) out += fmt::format(" and {} more", names.size() - most);
    return out;
}

PrecheckReport precheck(const TaskConfig &config, const std::vector<std::string> &only, bool values) {
    for (const auto &id : only) {
        if (std::ranges::find(precheck_ids(), id) != precheck_ids().end()) continue;
        const auto guess = config::nearest(id, precheck_ids());
        throw Error(ErrorKind::usage, fmt::format("--only {}", id), "there is no check of that id",
                    guess ? fmt::format("Did you mean {}?", *guess)
                          : fmt::format("Ids are {}.", config::enumerate(precheck_ids())));
    }
    PrecheckReport report;
    PrecheckContext context{.config = config, .report = report};
    context.source = connect(context, config.source.endpoint);
    if (context.source) source::learn_names(config, *context.source);
    check_source(context);
    check_guard(context);
    check_ddl(context);
    context.target_of_other_kind = target::is_mysql(config);
    if (!context.target_of_other_kind) context.target = connect(context, config.target.endpoint);
    if (context.target) {
        context.ok("target.database", "it exists");
        try {
            const auto row = read_task(*context.target, config.name);
            context.started = row && row->phase != Phase::none;
        } catch (const SqlError &) {
            // target.state tells why the state cannot be read
        }
    }
    check_tables(context); // first: what the target must allow depends on the selection
    if (context.target_of_other_kind) {
        check_mysql(context);
        if (values) check_values(context);
    } else {
        check_existing(context);
        check_roles(context);
        check_target(context);
        check_readiness(context);
        check_topology(context);
    }
    const auto place = [](const Finding &finding) {
        return std::ranges::find(precheck_ids(), finding.id) - precheck_ids().begin();
    };
    std::ranges::stable_sort(report.findings, {}, place);
    if (!only.empty())
        std::erase_if(report.findings,
                      [&](const Finding &finding) { return std::ranges::find(only, finding.id) == only.end(); });
    return report;
}

void require_precheck(const TaskConfig &config) {
    const auto report = precheck(config);
    std::vector<std::string> failed, fixes;
    for (const auto &finding : report.findings) {
        if (finding.verdict == Verdict::warning && !finding.acknowledged)
            log::warning("precheck", {{"id", finding.id}, {"reason", finding.reason}, {"fix", finding.fix}});
        if (finding.verdict != Verdict::error) continue;
        log::error("precheck", {{"id", finding.id}, {"reason", finding.reason}, {"fix", finding.fix}});
        failed.push_back(fmt::format("{}: {}", finding.id, finding.reason));
        fixes.push_back(finding.fix);
    }
    if (!failed.empty() && !report.lost.empty())
        throw Error(ErrorKind::connection, report.lost, "the connection was lost during precheck: " + failed[0],
                    fmt::format("Check that the {} runs and is reachable from here.", report.lost));
    if (failed.empty()) return log::info("precheck passed", {{"checks", report.findings.size()}});
    throw Error(ErrorKind::precheck, "precheck",
                failed.size() == 1 ? failed[0] : fmt::format("{} errors; the first is {}", failed.size(), failed[0]),
                failed.size() == 1 ? fixes[0]
                                   : fmt::format("{} The others are listed by walbridge precheck.", fixes[0]));
}

namespace {

std::string columns_table(const std::vector<ColumnReport> &columns) {
    std::string out = fmt::format("\n{:<30} {:<26} {:<26} {:<10} {:>8}  {}\n", "column", "source", "target", "fidelity",
                                  "unfit", "remark");
    for (const auto &column : columns)
        out += fmt::format("{:<30} {:<26} {:<26} {:<10} {:>8}  {}\n", column.table + "." + column.column,
                           column.source_type, column.target_type, column.fidelity, column.unfit, column.remark);
    return out + "\n";
}

} // namespace

std::string precheck_table(const PrecheckReport &report) {
    std::size_t width = 0;
    for (const auto &finding : report.findings) width = std::max(width, finding.id.size());
    std::string out;
    for (const auto &finding : report.findings) {
        out += fmt::format("{:<8} {:<{}}  {}{}\n", name_of(finding.verdict), finding.id, width, finding.reason,
                           finding.acknowledged ? " (acknowledged)" : "");
        if (!finding.fix.empty()) out += fmt::format("{:<8} {:<{}}  -> {}\n", "", "", width, finding.fix);
    }
    if (!report.columns.empty()) out += columns_table(report.columns);
    return out + fmt::format("{} ok, {} warnings, {} errors, {} skipped\n", report.count(Verdict::ok),
                             report.count(Verdict::warning), report.count(Verdict::error),
                             report.count(Verdict::skipped));
}

std::string precheck_json(const TaskConfig &config, const PrecheckReport &report) {
    nlohmann::ordered_json json{{"task", config.name}, {"result", report.failed() ? "error" : "ok"}};
    json["findings"] = nlohmann::ordered_json::array();
    for (const auto &finding : report.findings)
        json["findings"].push_back({{"id", finding.id},
                                    {"result", name_of(finding.verdict)},
                                    {"reason", finding.reason},
                                    {"fix", finding.fix},
                                    {"acknowledged", finding.acknowledged}});
    for (const auto &column : report.columns)
        json["columns"].push_back({{"table", column.table},
                                   {"column", column.column},
                                   {"source_type", column.source_type},
                                   {"target_type", column.target_type},
                                   {"fidelity", column.fidelity},
                                   {"remark", column.remark},
                                   {"policy", column.policy},
                                   {"unfit", column.unfit}});
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace walbridge::task
