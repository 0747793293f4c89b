// precheck_mysql.cpp: MySQL and MariaDB as the target: the server, its settings, the selected tables there.
#include "base/mysql/session.hpp"
#include "dialect/mysql/quote.hpp"
#include "target/state_session.hpp"
#include "task/precheck_checks.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>
#include <map>

namespace walbridge::task {
namespace {

using dialect::mysql::quote;

constexpr std::size_t small_packet = std::size_t{16} << 20;

void check_version(PrecheckContext &context, my::Session &target) {
    const auto version = target.version();
    const bool mariadb = target.mariadb();
    const auto shown =
        fmt::format("{} {}", mariadb ? "MariaDB" : "MySQL", target.value("SELECT @@version").value_or(""));
    if (mariadb != (context.config.target.kind == "mariadb"))
        return context.error(
            "target.version",
            fmt::format("the server is {}, and target.kind is \"{}\"", shown, context.config.target.kind),
            fmt::format("Write target.kind = \"{}\".", mariadb ? "mariadb" : "mysql"));
    const int oldest = mariadb ? 100600 : 80000;
    if (version.number < oldest)
        return context.error("target.version", fmt::format("{} is older than {}", shown, mariadb ? "10.6" : "8.0"),
                             "Upgrade the target.");
    context.ok("target.version", shown);
}

void check_durability(PrecheckContext &context, my::Session &target) {
    const auto mode = target.value("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit").value_or("");
    if (mode == "1") return context.ok("mysql.durability", "a COMMIT that returned is on disk");
    context.error("mysql.durability",
                  fmt::format("innodb_flush_log_at_trx_commit is {}: a crash of the target would lose what the source "
                              "was told it holds",
                              mode),
                  "SET GLOBAL innodb_flush_log_at_trx_commit = 1; and in the server's configuration file.");
}

void check_load_data(PrecheckContext &context, my::Session &target) {
    if (target.value("SELECT @@local_infile") == "1")
        return context.ok("mysql.load_data", "rows are copied by LOAD DATA LOCAL");
    context.warning("mysql.load_data", "local_infile is off: rows are copied by INSERT, which is slower",
                    "SET GLOBAL local_infile = 1; for the time of the copy.");
}

void check_packet(PrecheckContext &context, my::Session &target) {
    const auto bytes = target.max_allowed_packet();
    if (bytes >= small_packet) return context.ok("mysql.packet", fmt::format("max_allowed_packet is {} bytes", bytes));
    context.warning("mysql.packet",
                    fmt::format("max_allowed_packet is {} bytes: a row with a larger value stops the task", bytes),
                    "SET GLOBAL max_allowed_packet = 1073741824; and in the server's configuration file.");
}

/// Column names are compared without their case there.
void check_names(PrecheckContext &context) {
    std::vector<std::string> alike, impossible;
    for (const auto &table : context.selected) {
        std::map<std::string, std::string> seen;
        for (const auto &column : table.columns) {
            std::string lower = column.name;
            std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
            const auto [found, fresh] = seen.emplace(lower, column.name);
            if (!fresh)
                alike.push_back(fmt::format("{}: {} and {}", to_string(table.name), found->second, column.name));
            if (const auto problem = dialect::mysql::name_problem(column.name); !problem.empty())
                impossible.push_back(fmt::format("{}.{}: {}", to_string(table.name), column.name, problem));
        }
        const auto there = context.there(table);
        for (const auto &name : {there.schema, there.name})
            if (const auto problem = dialect::mysql::name_problem(name); !problem.empty())
                impossible.push_back(fmt::format("{}: {}", name, problem));
    }
    if (!alike.empty())
        return context.error("mysql.names", fmt::format("columns differ in case only: {}", some_of(alike)),
                             "Rename one of them on the source, or leave the table out with objects.exclude.");
    if (!impossible.empty())
        return context.error("mysql.names", fmt::format("the target cannot have these names: {}", some_of(impossible)),
                             "Rename them on the source or by [[objects.table]], or leave the tables out.");
    context.ok("mysql.names", "every name can be had on the target");
}

void check_tables_there(PrecheckContext &context, my::Session &target) {
    const auto &config = context.config;
    if (context.started) return context.ok("tables.target", "the task has started: its tables are expected");
    const auto rows = target.query("SELECT table_schema, table_name, engine FROM information_schema.tables");
    std::map<QualifiedName, std::string> engines;
    for (int row = 0; row < rows.rows(); ++row)
        engines.emplace(QualifiedName{rows.text(row, 0), rows.text(row, 1)}, rows.text(row, 2));
    std::vector<std::string> present, missing, filled, other_engine, locked;
    for (const auto &table : context.selected) {
        if (table.kind != 'r') continue;
        const auto name = context.there(table);
        const auto found = engines.find(name);
        if (found == engines.end()) {
            missing.push_back(describe_pair(table.name, name));
            continue;
        }
        present.push_back(describe_pair(table.name, name));
        if (found->second != "InnoDB")
            other_engine.push_back(fmt::format("{} ({})", quote(name), found->second.empty() ? "none" : found->second));
        else if (config.full_stage)
            try {
                if (target.value(fmt::format("SELECT 1 FROM {} LIMIT 1", quote(name)))) filled.push_back(quote(name));
            } catch (const SqlError &error) { // somebody's lock is not waited for
                if (error.recovery() != Recovery::retry_transaction) throw;
                locked.push_back(quote(name));
            }
    }
    if (!other_engine.empty())
        return context.error(
            "tables.target",
            fmt::format("tables are not InnoDB and take no part in transactions: {}", some_of(other_engine)),
            "ALTER TABLE ... ENGINE = InnoDB;");
    if (config.schema_stage && !present.empty())
        return context.error("tables.target",
                             fmt::format("{} tables exist on the target already: {}", present.size(), some_of(present)),
                             "Drop them, leave them out with objects.exclude, or leave \"schema\" out of task.stages.");
    if (!config.schema_stage && !missing.empty())
        return context.error("tables.target",
                             fmt::format("{} tables are missing on the target: {}", missing.size(), some_of(missing)),
                             "Create them, or add \"schema\" to task.stages.");
    if (!filled.empty())
        return context.error(
            "tables.target",
            fmt::format("{} tables on the target hold rows already: {}", filled.size(), some_of(filled)),
            fmt::format("TRUNCATE TABLE {};", filled.front()));
    if (!locked.empty())
        return context.warning(
            "tables.target",
            fmt::format("somebody holds a lock on {}: whether they are empty cannot be seen", some_of(locked)),
            "Let the other session end; the copy waits for the lock as well.");
    context.ok("tables.target", config.schema_stage ? "no selected table exists on the target yet"
                                                    : fmt::format("{} tables are ready", present.size()));
}

/// Checks of the target one by one; what the server refuses is the finding of the check.
void check_server(PrecheckContext &context, my::Session &target) {
    using Check = void (*)(PrecheckContext &, my::Session &);
    const std::pair<const char *, Check> checks[] = {{"target.version", check_version},
                                                     {"mysql.durability", check_durability},
                                                     {"mysql.load_data", check_load_data},
                                                     {"mysql.packet", check_packet},
                                                     {"tables.target", check_tables_there}};
    for (const auto &[id, check] : checks) {
        try {
            check(context, target);
        } catch (const SqlError &failure) {
            context.error(id, failure.reason(), "Grant what the message names, or mend the server.");
            if (!target.usable()) {
                context.report.lost = "target";
                return;
            }
        }
    }
}

} // namespace

void check_mysql(PrecheckContext &context) {
    const auto &config = context.config;
    check_names(context);
    try {
        const auto session =
            target::open_state(config, config.application_name("precheck"), {.lock_timeout = std::chrono::seconds(1)});
        auto &target = static_cast<my::Session &>(*session);
        context.ok("target.connection", my::describe(config.target.endpoint.url));
        const auto row = read_task(target, config.name);
        context.started = row && row->phase != Phase::none;
        check_server(context, target);
    } catch (const Error &failure) {
        if (failure.kind() == ErrorKind::connection) context.report.lost = "target";
        context.error("target.connection", failure.reason(), failure.remedy());
    }
}

} // namespace walbridge::task
