// precheck_mysql.cpp: MySQL and MariaDB as the target: the server, its settings, the selected tables there.
#include "base/mysql/session.hpp"
#include "config/existing_tables.hpp"
#include "dialect/mysql/quote.hpp"
#include "schema/column_rules.hpp"
#include "schema/mysql/plan.hpp"
#include "schema/mysql/source_tables.hpp"
#include "target/mysql/catalog.hpp"
#include "target/state_session.hpp"
#include "task/precheck_checks.hpp"
#include "task/state_store.hpp"

#include <algorithm>
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
    std::string mending;
    for (const auto &table : context.selected) {
        if (table.kind != 'r') continue;
        const auto name = context.there(table);
        const auto found = engines.find(name);
        if (found == engines.end()) {
            missing.push_back(describe_pair(table.name, name));
            continue;
        }
        present.push_back(describe_pair(table.name, name));
        if (found->second != "InnoDB") {
            other_engine.push_back(fmt::format("{} ({})", quote(name), found->second.empty() ? "none" : found->second));
            mending += fmt::format("{}ALTER TABLE {} ENGINE = InnoDB;", mending.empty() ? "" : " ", quote(name));
        } else if (config.full_stage) {
            try {
                if (target.value(fmt::format("SELECT 1 FROM {} LIMIT 1", quote(name)))) filled.push_back(quote(name));
            } catch (const SqlError &error) { // somebody's lock is not waited for
                if (error.recovery() != Recovery::retry_transaction) throw;
                locked.push_back(quote(name));
            }
        }
    }
    if (!other_engine.empty())
        return context.error(
            "tables.target",
            fmt::format("tables are not InnoDB and take no part in transactions: {}", some_of(other_engine)), mending);
    if (!config.schema_stage && !missing.empty())
        return context.error("tables.target",
                             fmt::format("{} tables are missing on the target: {}", missing.size(), some_of(missing)),
                             "Create them, or add \"schema\" to task.stages.");
    if (proceeds_with_existing(config))
        return context.ok("tables.target", fmt::format("{} tables exist on the target and are used as they are{}",
                                                       present.size(), missing.empty() ? "" : ", others are created"));
    if (config.schema_stage && !present.empty())
        return context.error("tables.target",
                             fmt::format("{} tables exist on the target already: {}", present.size(), some_of(present)),
                             "Drop them, leave them out with objects.exclude, leave \"schema\" out of task.stages, or "
                             "go on with them by objects.existing = \"proceed\".");
    if (!filled.empty())
        return context.error(
            "tables.target",
            fmt::format("{} tables on the target hold rows already: {}", filled.size(), some_of(filled)),
            fmt::format("TRUNCATE TABLE {}; or go on with them by objects.existing = \"proceed\".", filled.front()));
    if (!locked.empty())
        return context.warning(
            "tables.target",
            fmt::format("somebody holds a lock on {}: whether they are empty cannot be seen", some_of(locked)),
            "Let the other session end; the copy waits for the lock as well.");
    context.ok("tables.target", config.schema_stage ? "no selected table exists on the target yet"
                                                    : fmt::format("{} tables are ready", present.size()));
}

/// Types of the source's columns, below their domains, by table.
using SourceTypes = std::map<std::uint32_t, std::map<std::string, dialect::mysql::SourceType>>;

SourceTypes types_of(PrecheckContext &context) {
    SourceTypes types;
    if (!context.source) return types;
    const wire::ObjectSelection selection(context.config.objects.include, context.config.objects.exclude);
    std::vector<schema::mysql::LeftOut> left_out;
    for (const auto &table :
         schema::mysql::shaped(schema::mysql::read_source_tables(*context.source, selection, context.config.names),
                               schema::mysql::table_shaper(context.config), left_out))
        for (const auto &column : table.columns) types[table.oid].emplace(column.on_target(), column.type);
    return types;
}

/// Columns that differ for the source differ for the target's key as well only where its collation compares bytes.
bool tells_texts_apart(const target::TargetColumn &column) {
    const auto &type = column.mysql.value();
    return type.collation.empty() || type.collation == "binary" || type.collation.ends_with("_nopad_bin") ||
           type.collation == "utf8mb4_0900_bin" || type.data_type == "enum" || type.data_type == "char";
}

struct ColumnFindings {
    std::vector<std::string> missing, collations, keys, impossible, lossy, triggers;
};

void look_at_table(const source::Table &table, const target::TargetTable &there,
                   const std::map<std::string, dialect::mysql::SourceType> &types, const ddl::ColumnRules &rules,
                   ColumnFindings &found) {
    const auto name = to_string(table.name);
    for (const auto &column : table.columns) {
        const auto wanted = rules.empty() ? std::optional(column.name) : rules.on_target(table.name, column.name);
        if (!wanted || column.generated != '\0') continue;
        const auto other = std::ranges::find(there.columns, *wanted, &target::TargetColumn::name);
        if (other == there.columns.end()) {
            found.missing.push_back(fmt::format("{}.{}", name, *wanted));
            continue;
        }
        const auto type = types.find(*wanted);
        if (type == types.end() || other->generated) continue;
        const auto judgement = dialect::mysql::judge_column(type->second, other->mysql.value());
        const auto words = fmt::format("{}.{}: {}", name, column.name, judgement.remark);
        if (judgement.fidelity == dialect::mysql::Fidelity::impossible) found.impossible.push_back(words);
        if (judgement.fidelity == dialect::mysql::Fidelity::lossy) found.lossy.push_back(words);
    }
    for (const auto &key : there.keys)
        for (const auto &column : there.columns)
            if (std::ranges::find(key.columns, column.name) != key.columns.end() && !tells_texts_apart(column))
                found.collations.push_back(fmt::format("{}.{} is {}", name, column.name, column.mysql->collation));
    const auto *identity = source::identity_index(table);
    if (identity == nullptr) return;
    std::vector<std::string> wanted;
    for (const auto number : identity->columns)
        if (const auto *column = table.column(number))
            wanted.push_back(rules.empty() ? column->name
                                           : rules.on_target(table.name, column->name).value_or(column->name));
    std::ranges::sort(wanted);
    const bool covered = std::ranges::any_of(there.keys, [&](const target::TargetKey &key) {
        auto columns = key.columns;
        std::ranges::sort(columns);
        return key.usable && columns == wanted;
    });
    if (!covered) found.keys.push_back(fmt::format("{} ({})", name, some_of(wanted, wanted.size())));
}

/// What both sides of a table that was there before have in common (objects.existing = "proceed").
void report_existing(PrecheckContext &context, my::Session &target, const source::Table &table,
                     const target::TargetTable &there) {
    constexpr const char *id = "tables.existing";
    std::vector<std::string> left_out, known;
    std::size_t common = 0;
    const auto rules = schema::column_rules(context.config);
    for (const auto &column : table.columns) {
        const auto wanted = rules.empty() ? std::optional(column.name) : rules.on_target(table.name, column.name);
        if (!wanted) continue;
        const auto &name = *wanted;
        known.push_back(name);
        if (column.generated != '\0') continue;
        const auto other = std::ranges::find(there.columns, name, &target::TargetColumn::name);
        if (other == there.columns.end() || other->generated)
            left_out.push_back(column.name);
        else
            ++common;
    }
    const auto name = describe_pair(table.name, there.name);
    if (common == 0)
        return context.error(id, fmt::format("{}: the two sides have no column in common", name),
                             "Give the target's table the source's columns, or leave it out with objects.exclude.");
    std::vector<std::string> only_there, unfilled;
    std::string mending;
    const auto rows = target.query(fmt::format(
        "SELECT COLUMN_NAME, IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND EXTRA NOT LIKE '%auto_increment%' AND "
        "EXTRA NOT LIKE '%GENERATED%', COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND "
        "TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
        dialect::mysql::quote_literal(there.name.schema), dialect::mysql::quote_literal(there.name.name)));
    for (int row = 0; row < rows.rows(); ++row) {
        if (std::ranges::find(known, rows.text(row, 0)) != known.end()) continue;
        only_there.push_back(rows.text(row, 0));
        if (!rows.flag(row, 1)) continue;
        unfilled.push_back(rows.text(row, 0));
        mending +=
            fmt::format("{}ALTER TABLE {} MODIFY COLUMN {} {} NULL;", mending.empty() ? "" : " ", quote(there.name),
                        dialect::mysql::quote_identifier(rows.text(row, 0)), rows.text(row, 2));
    }
    if (!unfilled.empty())
        return context.error(id,
                             fmt::format("{}: columns of the target are NOT NULL without a default, and no row of the "
                                         "source has a value for them: {}",
                                         name, some_of(unfilled)),
                             mending);
    if (left_out.empty() && only_there.empty())
        return context.ok(id, fmt::format("{}: the same columns; it is left as it is", name));
    std::string text;
    if (!left_out.empty()) text += "only on the source and not replicated: " + some_of(left_out, 50);
    if (!only_there.empty()) text += (text.empty() ? "" : "; ") + ("only on the target: " + some_of(only_there, 50));
    context.warning(id, fmt::format("{}: {}", name, text),
                    "Give both sides the same columns, or accept the difference: the table is left as it is, and "
                    "columns that both sides have are replicated.");
}

void list_triggers(PrecheckContext &context, my::Session &target, ColumnFindings &found) {
    const auto rows = target.query("SELECT event_object_schema, event_object_table, trigger_name FROM "
                                   "information_schema.triggers");
    for (int row = 0; row < rows.rows(); ++row)
        for (const auto &table : context.selected)
            if (context.there(table) == QualifiedName{rows.text(row, 0), rows.text(row, 1)})
                found.triggers.push_back(fmt::format("{} on {}", rows.text(row, 2), to_string(table.name)));
}

/// Tables that somebody else made have to hold the source's values and find its rows.
void check_columns_there(PrecheckContext &context, my::Session &target) {
    const bool proceeds = proceeds_with_existing(context.config);
    if (context.config.schema_stage && !context.started && !proceeds)
        return context.ok("tables.columns", "the schema stage creates them");
    const auto types = types_of(context);
    ColumnFindings found;
    const auto rules = schema::column_rules(context.config);
    for (const auto &table : context.selected) {
        if (table.kind != 'r') continue;
        const auto known = types.find(table.oid);
        try {
            const auto there = target::mysql::read_table(target, context.there(table));
            if (there && proceeds && !context.started) report_existing(context, target, table, *there);
            if (there && known != types.end()) look_at_table(table, *there, known->second, rules, found);
        } catch (const Error &error) { // not InnoDB: tables.target says so
            if (error.kind() != ErrorKind::target_shape) throw;
        }
    }
    list_triggers(context, target, found);
    if (!found.triggers.empty())
        context.warning(
            "target.triggers",
            fmt::format("triggers fire for replicated rows, they cannot be silenced: {}", some_of(found.triggers)),
            "Drop them, and create them again when the application moves.");
    else
        context.ok("target.triggers", "no trigger stands on the selected tables");
    if (!found.missing.empty() && !proceeds)
        return context.error("tables.columns",
                             fmt::format("columns are missing on the target: {}", some_of(found.missing)),
                             "ALTER TABLE ... ADD COLUMN on the target; docs/types-mysql.md names the types.");
    if (!found.impossible.empty())
        return context.error("tables.columns",
                             fmt::format("columns cannot hold the values: {}", some_of(found.impossible)),
                             "Give them a type of docs/types-mysql.md: ALTER TABLE ... MODIFY COLUMN.");
    if (!found.collations.empty())
        return context.error(
            "tables.columns",
            fmt::format("key columns take texts for equal that the source tells apart: {}", some_of(found.collations)),
            fmt::format("ALTER TABLE ... MODIFY COLUMN ... COLLATE {};",
                        dialect::mysql::collation(target::flavour(context.config))));
    if (!found.keys.empty())
        return context.error(
            "tables.columns",
            fmt::format("no unique key of the target covers the key of the source: {}", some_of(found.keys)),
            "ALTER TABLE ... ADD PRIMARY KEY (...) on the target.");
    if (!found.lossy.empty())
        return context.warning("tables.columns", fmt::format("columns lose something: {}", some_of(found.lossy)),
                               "Give them a type of docs/types-mysql.md: ALTER TABLE ... MODIFY COLUMN.");
    context.ok("tables.columns", proceeds ? "columns that both sides have are replicated (tables.existing)"
                                          : "every column of the source has one on the target");
}

/// What the schema stage will not be able to create, and what it will leave out.
void check_definitions(PrecheckContext &context) {
    if (!context.config.schema_stage || context.started || !context.source) return;
    try {
        const auto definitions = schema::mysql::read_definitions(
            context.config, *context.source, schema::mysql::read_selected_tables(context.config, *context.source),
            {.flavour = target::flavour(context.config),
             .policy = {},
             .shape = schema::mysql::table_shaper(context.config)});
        const auto shown = [](const std::vector<schema::mysql::LeftOut> &list) {
            std::vector<std::string> words;
            for (const auto &left : list) words.push_back(fmt::format("{} ({})", left.object, left.reason));
            return some_of(words);
        };
        if (!definitions.errors.empty())
            return context.error(
                "mysql.definitions", fmt::format("the target cannot have: {}", shown(definitions.errors)),
                "Rename it on the source or by [[objects.table]], or leave it out with objects.exclude.");
        if (!definitions.left_out.empty())
            return context.warning("mysql.definitions",
                                   fmt::format("{} objects are left out on the target: {}", definitions.left_out.size(),
                                               shown(definitions.left_out)),
                                   "docs/schema-mysql.md says why; create by hand what the application needs.");
        context.ok("mysql.definitions", "every selected object can be created");
    } catch (const SqlError &failure) {
        context.source->rollback_quietly();
        context.error("mysql.definitions", failure.reason(), "Grant what the message names on the source.");
    }
}

/// Checks of the target one by one; what the server refuses is the finding of the check.
void check_server(PrecheckContext &context, my::Session &target) {
    using Check = void (*)(PrecheckContext &, my::Session &);
    const std::pair<const char *, Check> checks[] = {
        {"target.version", check_version},     {"mysql.durability", check_durability},
        {"mysql.load_data", check_load_data},  {"mysql.packet", check_packet},
        {"tables.target", check_tables_there}, {"tables.columns", check_columns_there}};
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

/// The database of the URL, and the right to keep the state.
bool check_database(PrecheckContext &context, my::Session &target) {
    const auto database = my::parse(context.config.target.endpoint.url).database;
    const auto found = target.ask("SELECT 1 FROM information_schema.schemata WHERE schema_name = $1", {database});
    if (found.rows() == 0) {
        context.error(
            "target.database",
            fmt::format("the database {} does not exist on the target, or the user sees nothing of it", database),
            fmt::format("CREATE DATABASE {} CHARACTER SET utf8mb4; and GRANT ALL ON {}.* to the task's user.",
                        dialect::mysql::quote_identifier(database), dialect::mysql::quote_identifier(database)));
        return false;
    }
    context.ok("target.database", "it exists");
    if (state_installed(target)) {
        context.ok("target.state", "walbridge's state is installed");
        return true;
    }
    // Asked of the lists of rights: nothing is created here. Rights that come through a role are not on them.
    const auto user = target.value("SELECT CURRENT_USER()").value_or("");
    const auto at = user.rfind('@');
    const auto grantee =
        fmt::format("'{}'@'{}'", user.substr(0, at), at == std::string::npos ? "%" : user.substr(at + 1));
    const bool may =
        target.ask("SELECT 1 FROM information_schema.user_privileges WHERE grantee = $1 AND privilege_type = "
                   "'CREATE' UNION ALL SELECT 1 FROM information_schema.schema_privileges WHERE grantee = $1 "
                   "AND privilege_type = 'CREATE' AND 'walbridge' LIKE table_schema",
                   {grantee})
                .rows() > 0 ||
        target.value("SELECT CURRENT_ROLE()").value_or("NONE") != "NONE";
    if (!may) {
        context.error("target.state", fmt::format("{} may not create walbridge's state", grantee),
                      fmt::format("GRANT ALL ON walbridge.* TO {};", grantee));
        return false;
    }
    context.ok("target.state", "the state will be created in the database walbridge");
    return true;
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
        if (!check_database(context, target)) return;
        const auto row = read_task(target, config.name);
        context.started = row && row->phase != Phase::none;
        static_cast<void>(check_policy_of_existing(context));
        check_server(context, target);
        check_definitions(context);
    } catch (const Error &failure) {
        if (failure.kind() == ErrorKind::connection) context.report.lost = "target";
        context.error("target.connection", failure.reason(), failure.remedy());
    }
}

} // namespace walbridge::task
