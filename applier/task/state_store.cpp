// state_store.cpp: SQL of the task's row and of its lock.
#include "task/state_store.hpp"

#include "base/log.hpp"
#include "base/sql/presence.hpp"
#include "dialect/postgres.hpp"
#include "task/kept_objects.hpp"

#include <array>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <unistd.h>

namespace walbridge::task {
namespace {

using sql::Dialect;
using sql::Session;

/// The two halves of the advisory key: ours, and the task's.
const char *const lock_class = "pg_catalog.hashtext('walbridge task')";

int installed_version(Session &target) {
    if (!sql::has_relation(target, {"walbridge", "state_version"})) return 0;
    const auto version = target.ask_value("SELECT max(version) FROM walbridge.state_version");
    return version ? std::stoi(*version) : 0;
}

Error newer_state(int version) {
    return {ErrorKind::task_state, "schema walbridge on the target",
            fmt::format("its state has version {}, this walbridge knows {}", version, state_version),
            "Run the newer walbridge."};
}

void store_version(Session &target) {
    target.ask("DELETE FROM walbridge.state_version");
    target.ask(fmt::format("INSERT INTO walbridge.state_version VALUES ({})", state_version));
    log::info("installed walbridge's state in the target", {{"version", state_version}});
}

void install_in_postgres(Session &target) {
    sql::in_transaction(target, [&] {
        target.ask("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('walbridge state'))");
        const int version = installed_version(target);
        if (version > state_version) throw newer_state(version);
        if (version == state_version) return;
        target.ask(target_state_sql);
        store_version(target);
    });
}

/// Where the statements begin that bring what older versions created to the present form.
constexpr std::string_view mysql_upgrades = "-- What older versions created.";

/// Each statement commits by itself and may be run again; the version comes last.
void install_in_mysql(Session &target) {
    if (target.ask_value("SELECT GET_LOCK('walbridge state', 60)") != "1")
        throw Error(ErrorKind::resource, "database walbridge on the target",
                    "another process has been installing its state for a minute", "Run the command again.");
    const int version = installed_version(target);
    if (version > state_version) throw newer_state(version);
    if (version < state_version) {
        std::string_view rest = target_state_mysql_sql;
        if (!sql::has_relation(target, {"walbridge", "task"})) // nothing older is there
            rest = rest.substr(0, rest.find(mysql_upgrades));
        for (auto end = rest.find(";\n"); end != std::string_view::npos; end = rest.find(";\n")) {
            try {
                target.ask(std::string(rest.substr(0, end)));
            } catch (const SqlError &error) {
                if (error.sqlstate() != "42701") throw; // a column that an interrupted upgrade has added
            }
            rest.remove_prefix(end + 2);
        }
        store_version(target);
    }
    target.ask("DO RELEASE_LOCK('walbridge state')");
}

std::vector<std::string> split(const std::string &words) {
    std::vector<std::string> list;
    for (std::size_t from = 0; from < words.size();) {
        const auto comma = std::min(words.find(',', from), words.size());
        list.push_back(words.substr(from, comma - from));
        from = comma + 1;
    }
    return list;
}

/// The lock's name on MySQL, for the whole server: at most 64 characters.
std::string lock_name(const std::string &task) { return "walbridge_task_" + task; }

bool try_lock(Session &target, const std::string &task) {
    if (target.dialect() == Dialect::mysql) return target.ask_value("SELECT GET_LOCK($1, 0)", {lock_name(task)}) == "1";
    return target
        .ask(fmt::format("SELECT pg_catalog.pg_try_advisory_lock({}, pg_catalog.hashtext($1))", lock_class), {task})
        .flag(0, 0);
}

void end_session(Session &target, long long number) {
    target.ask({fmt::format("SELECT pg_catalog.pg_terminate_backend({})", number), fmt::format("KILL {}", number)});
}

} // namespace

bool state_installed(Session &target) { return installed_version(target) > 0; }

void install_state(Session &target) {
    const int version = installed_version(target);
    if (version == state_version) return;
    if (version > state_version) throw newer_state(version);
    if (target.dialect() == Dialect::mysql)
        install_in_mysql(target);
    else
        install_in_postgres(target);
}

std::optional<TaskRow> read_task(Session &target, const std::string &task) {
    if (!state_installed(target)) return std::nullopt;
    const auto row = target.ask(
        {"SELECT state, coalesce(phase, ''), paused, error, pg_catalog.array_to_string(stages, ','), slot_name, "
         "source_system, coalesce(source_timeline, 0), source_database, coalesce(source_database_oid, 0)::bigint, "
         "slot_plugin, slot_created_lsn, slot_transactions, holder, control, status, extract(epoch FROM "
         "pg_catalog.clock_timestamp() - status_at), updated_at, slot_confirmed, source_restored, "
         "coalesce(pg_catalog.to_jsonb(t) ->> 'renames', ''), coalesce(pg_catalog.to_jsonb(t) ->> 'throttle', ''), "
         "coalesce(pg_catalog.to_jsonb(t) ->> 'reverse_of', ''), coalesce(pg_catalog.to_jsonb(t) ->> 'reverse_task', "
         "'') FROM walbridge.task t WHERE task = $1",
         "SELECT state, coalesce(phase, ''), paused, error, stages, slot_name, source_system, "
         "coalesce(source_timeline, "
         "0), source_database, coalesce(source_database_oid, 0), slot_plugin, slot_created_lsn, slot_transactions, "
         "holder, control, status, timestampdiff(MICROSECOND, status_at, utc_timestamp(6)) / 1000000, updated_at, "
         "slot_confirmed, source_restored, coalesce(renames, ''), coalesce(throttle, ''), coalesce(reverse_of, ''), "
         "coalesce(reverse_task, '') FROM walbridge.task t WHERE task = $1"},
        {task});
    if (row.rows() == 0) return std::nullopt;
    TaskRow found;
    found.state = state_of(row.text(0, 0)).value_or(State::failed);
    found.phase = phase_of(row.text(0, 1)).value_or(Phase::none);
    found.paused = row.flag(0, 2);
    found.error = row.cell(0, 3);
    found.stages = split(row.text(0, 4));
    found.slot = row.cell(0, 5);
    auto &identity = found.identity;
    identity.system = row.text(0, 6);
    identity.timeline = static_cast<std::uint32_t>(row.number(0, 7));
    identity.database = row.text(0, 8);
    identity.database_oid = static_cast<std::uint32_t>(row.number(0, 9));
    identity.slot = found.slot.value_or("");
    identity.plugin = row.text(0, 10);
    identity.slot_created = parse_lsn(row.text(0, 11)).value_or(Lsn{});
    if (!row.null(0, 12)) identity.slot_transactions = row.number(0, 12);
    found.holder = row.cell(0, 13);
    found.control = row.cell(0, 14);
    found.status = row.cell(0, 15);
    if (const auto &age = row.cell(0, 16)) found.status_age = std::stod(*age);
    found.updated_at = row.text(0, 17);
    identity.slot_confirmed = parse_lsn(row.text(0, 18)).value_or(Lsn{});
    identity.restored_before = row.flag(0, 19);
    found.renames = row.text(0, 20); // an older state has no such columns
    found.throttle = row.text(0, 21);
    found.reverse_of = row.text(0, 22);
    found.reverse_task = row.text(0, 23);
    return found;
}

std::vector<std::string> stage_names(const TaskConfig &config) {
    std::vector<std::string> names;
    if (config.schema_stage) names.emplace_back("schema");
    if (config.full_stage) names.emplace_back("full");
    if (config.incremental_stage) names.emplace_back("incremental");
    return names;
}

std::string stored_form(const NameMap &names) {
    std::string text;
    for (const auto &line : names.given()) text += line + "\n";
    return text;
}

std::string objects_json(const TaskConfig &config) {
    nlohmann::ordered_json json{{"include", config.objects.include}, {"exclude", config.objects.exclude}};
    auto &schemas = json["schemas"] = nlohmann::ordered_json::object();
    for (const auto &[source, target] : config.names.schemas()) schemas[source] = target;
    auto &tables = json["tables"] = nlohmann::ordered_json::array();
    for (const auto &[source, target] : config.names.tables())
        tables.push_back({source.schema, source.name, target.schema, target.name});
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::optional<TaskObjects> read_objects(const std::string &text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("include")) return std::nullopt;
    TaskObjects objects;
    objects.include = json.value("include", std::vector<std::string>{});
    objects.exclude = json.value("exclude", std::vector<std::string>{});
    const auto schemas = json.value("schemas", nlohmann::json::object()), // a temporary would be gone in the loop
        tables = json.value("tables", nlohmann::json::array());
    for (const auto &[source, target] : schemas.items()) objects.names.add_schema(source, target.get<std::string>());
    for (const auto &four : tables)
        objects.names.add_table({four[0].get<std::string>(), four[1].get<std::string>()},
                                {four[2].get<std::string>(), four[3].get<std::string>()});
    return objects;
}

std::optional<TaskObjects> load_objects(Session &target, const std::string &task) {
    return read_objects(target.ask_value("SELECT objects FROM walbridge.task WHERE task = $1", {task}).value_or(""));
}

void store_reverse_task(Session &target, const std::string &task, const std::string &reverse) {
    target.ask("UPDATE walbridge.task SET reverse_task = nullif($2, ''), updated_at = now() WHERE task = $1",
               {task, reverse});
}

void store_renames(Session &target, const TaskConfig &config) {
    target.ask("UPDATE walbridge.task SET renames = nullif($2, '') WHERE task = $1",
               {config.name, stored_form(config.names)});
}

void create_task(Session &target, const TaskConfig &config) {
    std::string stages;
    for (const auto &stage : stage_names(config)) stages += (stages.empty() ? "" : ",") + stage;
    target.ask(
        {"INSERT INTO walbridge.task AS t (task, stages, objects, reverse_of, sync_of) VALUES ($1, "
         "pg_catalog.string_to_array($2, ','), $3::jsonb, nullif($4, ''), nullif($5, '')) ON CONFLICT (task) DO "
         "UPDATE SET objects = excluded.objects, reverse_of = excluded.reverse_of WHERE (t.objects, "
         "t.reverse_of) IS DISTINCT FROM (excluded.objects, excluded.reverse_of)",
         "INSERT INTO walbridge.task (task, stages, objects, reverse_of, sync_of) VALUES ($1, $2, $3, nullif($4, "
         "''), nullif($5, '')) ON DUPLICATE KEY UPDATE objects = VALUES(objects), reverse_of = "
         "VALUES(reverse_of)"},
        {config.name, stages, objects_json(config), config.reverse_of, config.sync_of});
}

std::vector<std::string> removal_statements(const std::string &task, bool keep_created, Dialect database) {
    const auto name = dialect::postgres::quote_literal(task);
    // Without an alias: MySQL looks for one in the session's database, and ours has none.
    const auto *ranges =
        database == Dialect::postgres
            ? "DELETE FROM walbridge.verify_range g USING walbridge.verify_run r WHERE g.run = r.run AND r.task = "
            : "DELETE FROM walbridge.verify_range USING walbridge.verify_range JOIN walbridge.verify_run ON "
              "walbridge.verify_run.run = walbridge.verify_range.run WHERE walbridge.verify_run.task = ";
    std::vector<std::string> statements{ranges + name};
    std::vector<const char *> tables{"verify_alignment", "verify_key",    "verify_equal", "verify_run",
                                     "conflict",         "ddl_statement", "schema_item",  "table_sync",
                                     "large_object",     "object_change", "progress"};
    // A replica identity that was set stays set until release puts the old one back.
    if (!keep_created) tables.insert(tables.end(), {"kept_object", "replica_identity"});
    if (database == Dialect::mysql) tables.insert(tables.end(), {"begun_transaction", "table_definition"});
    tables.push_back("task");
    for (const auto *table : tables)
        statements.push_back(fmt::format("DELETE FROM walbridge.{} WHERE task = {}", table, name));
    return statements;
}

void remove_task(Session &target, const std::string &task, bool keep_created) {
    sql::in_transaction(target, [&] {
        if (keep_created) keep_created_objects(target, task);
        for (const auto &statement : removal_statements(task, keep_created, target.dialect())) target.ask(statement);
    });
}

bool set_state(Session &target, const std::string &task, std::optional<std::uint64_t> epoch, State state,
               const std::optional<std::string> &error) {
    const auto changed = target.ask(
        {"UPDATE walbridge.task t SET state = $2::text, error = coalesce($3::jsonb, CASE WHEN $2::text IN ('running', "
         "'completed') THEN NULL ELSE error END), updated_at = now() WHERE task = $1 AND state <> 'switched-over' AND "
         "($4::bigint IS NULL OR EXISTS (SELECT 1 FROM walbridge.progress p WHERE p.task = t.task AND p.epoch = "
         "$4::bigint))",
         "UPDATE walbridge.task t SET state = $2, error = coalesce($3, CASE WHEN $2 IN ('running', 'completed') THEN "
         "NULL ELSE error END), updated_at = now(6) WHERE task = $1 AND state <> 'switched-over' AND ($4 IS NULL OR "
         "EXISTS (SELECT 1 FROM walbridge.progress p WHERE p.task = t.task AND p.epoch = $4))"},
        {task, std::string(name_of(state)), error, epoch ? sql::Parameter(std::to_string(*epoch)) : std::nullopt});
    return changed.affected() == 1;
}

std::string error_json(const Error &error) {
    nlohmann::ordered_json json;
    json["kind"] = name_of(error.kind());
    json["object"] = error.object();
    json["reason"] = error.reason();
    json["remedy"] = error.remedy();
    json["exit_code"] = error.exit_code();
    json["at"] =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    // Messages may carry bytes that are not UTF-8.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void store_slot_intent(Session &target, const std::string &task, const std::string &slot,
                       const StoredIdentity &source) {
    target.ask({"UPDATE walbridge.task SET slot_name = $2, source_system = $3, source_database = $4, "
                "source_database_oid = $5::oid, updated_at = now() WHERE task = $1",
                "UPDATE walbridge.task SET slot_name = $2, source_system = $3, source_database = $4, "
                "source_database_oid = $5, updated_at = now(6) WHERE task = $1"},
               {task, slot, source.system, source.database, std::to_string(source.database_oid)});
}

void store_identity(Session &target, const std::string &task, const StoredIdentity &identity) {
    target.ask({"UPDATE walbridge.task SET slot_name = $2, source_system = $3, source_timeline = $4::integer, "
                "source_database = $5, source_database_oid = $6::oid, slot_plugin = $7, slot_created_lsn = $8::pg_lsn, "
                "updated_at = now() WHERE task = $1",
                "UPDATE walbridge.task SET slot_name = $2, source_system = $3, source_timeline = $4, source_database = "
                "$5, source_database_oid = $6, slot_plugin = $7, slot_created_lsn = $8, updated_at = now(6) WHERE "
                "task = $1"},
               {task, identity.slot, identity.system, std::to_string(identity.timeline), identity.database,
                std::to_string(identity.database_oid), identity.plugin, to_string(identity.slot_created)});
}

void store_slot_figures(Session &target, const std::string &task, std::uint64_t epoch,
                        std::optional<std::int64_t> transactions, const std::string &confirmed) {
    target.ask({"UPDATE walbridge.task t SET slot_transactions = coalesce($2::bigint, slot_transactions), "
                "slot_confirmed = nullif($3, '')::pg_lsn WHERE task = $1 AND (slot_transactions, slot_confirmed) IS "
                "DISTINCT FROM (coalesce($2::bigint, slot_transactions), nullif($3, '')::pg_lsn) AND EXISTS (SELECT 1 "
                "FROM walbridge.progress p WHERE p.task = t.task AND p.epoch = $4::bigint)",
                "UPDATE walbridge.task t SET slot_transactions = coalesce($2, slot_transactions), slot_confirmed = "
                "nullif($3, '') WHERE task = $1 AND EXISTS (SELECT 1 FROM walbridge.progress p WHERE p.task = t.task "
                "AND p.epoch = $4)"},
               {task, transactions ? sql::Parameter(std::to_string(*transactions)) : std::nullopt, confirmed,
                std::to_string(epoch)});
}

void store_restored(Session &target, const std::string &task, bool restored) {
    target.ask({"UPDATE walbridge.task SET source_restored = $2::boolean WHERE task = $1 AND source_restored <> "
                "$2::boolean",
                "UPDATE walbridge.task SET source_restored = $2 WHERE task = $1"},
               {task, restored ? "1" : "0"});
}

void store_phase(Session &target, const std::string &task, Phase phase) {
    // MySQL assigns from left to right; the state does not ask for the phase.
    target.ask("UPDATE walbridge.task SET phase = nullif($2, ''), state = CASE WHEN $2 = 'follow' AND state IN "
               "('schema', 'full') THEN 'catching-up' ELSE state END, updated_at = now() WHERE task = $1",
               {task, std::string(name_of(phase))});
}

void request_control(Session &target, const std::string &task, const std::optional<std::string> &request) {
    target.ask({"UPDATE walbridge.task SET control = $2::text, control_at = CASE WHEN $2::text IS NULL THEN NULL ELSE "
                "now() END WHERE task = $1",
                "UPDATE walbridge.task SET control = $2, control_at = CASE WHEN $2 IS NULL THEN NULL ELSE now(6) END "
                "WHERE task = $1"},
               {task, request});
    notify_task(target, task);
}

std::string task_channel(const std::string &task) { return "walbridge_" + task; }

void notify_task(Session &target, const std::string &task) {
    if (target.dialect() == Dialect::postgres) target.ask("SELECT pg_catalog.pg_notify($1, '')", {task_channel(task)});
}

std::optional<long long> lock_holder(Session &target, const std::string &task) {
    const auto number =
        target.dialect() == Dialect::mysql
            ? target.ask_value("SELECT IS_USED_LOCK($1)", {lock_name(task)})
            : target.ask_value(
                  fmt::format("SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = "
                              "l.database WHERE d.datname = pg_catalog.current_database() AND l.locktype = 'advisory' "
                              "AND l.objsubid = 2 AND l.granted AND l.classid = ({}::bigint & 4294967295)::oid AND "
                              "l.objid = (pg_catalog.hashtext($1)::bigint & 4294967295)::oid",
                              lock_class),
                  {task});
    if (!number) return std::nullopt;
    return std::stoll(*number);
}

void lock_task(Session &target, const std::string &task, std::chrono::seconds stale) {
    // A process killed a moment ago leaves a session that is about to end; a hanging one leaves a status that ages.
    for (int attempt = 0; attempt < 30; ++attempt) {
        if (try_lock(target, task)) return;
        const auto row = read_task(target, task);
        if (attempt >= 6 && row && row->status_age && *row->status_age < 3)
            throw Error(ErrorKind::task_state, fmt::format("task {}", task),
                        fmt::format("another process runs it: {}", row->holder.value_or("unknown")),
                        fmt::format("Stop that one first (walbridge stop), or look at it with walbridge status."));
        if (const auto holder = lock_holder(target, task);
            holder && attempt > 0 &&
            (!row || !row->status_age || *row->status_age > static_cast<double>(stale.count()))) {
            log::warning("ended the session of an older process of this task that no longer answers",
                         {{"pid", *holder}});
            end_session(target, *holder);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
    throw Error(ErrorKind::task_state, fmt::format("task {}", task),
                "another session holds the task's lock on the target",
                target.dialect() == Dialect::mysql
                    ? fmt::format("Look at it with walbridge status; SELECT IS_USED_LOCK('{}') names the session.",
                                  lock_name(task))
                    : "Look at it with walbridge status; end the session it names in pg_locks.");
}

std::string holder_name() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return fmt::format("{} pid {}", host.data(), getpid());
}

} // namespace walbridge::task
