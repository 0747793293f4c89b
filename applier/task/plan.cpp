// plan.cpp: asks the parts that would do the work what they would do.
#include "task/plan.hpp"

#include "source/shape.hpp"

#include "config/task_keys.hpp"
#include "copy/chunk_planner.hpp"
#include "dialect/postgres.hpp"
#include "schema/item.hpp"
#include "schema/plan.hpp"
#include "source/object_graph.hpp"
#include "task/plan_sample.hpp"
#include "task/replica_identity.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"
#include "task/target_database.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>
#include <map>
#include <optional>

namespace walbridge::task {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;

std::vector<PlannedSetting> settings_of(const TaskConfig &config) {
    std::vector<PlannedSetting> settings;
    for (const auto &key : config::task_keys()) {
        if (key.type == config::KeyType::unsupported || key.path.find("[]") != std::string::npos) continue;
        const auto given = config.given.find(key.path);
        if (given != config.given.end()) {
            settings.push_back({key.path, given->second, true});
            continue;
        }
        const bool text = key.type == config::KeyType::text || key.type == config::KeyType::duration ||
                          key.type == config::KeyType::size;
        settings.push_back(
            {key.path, text && !key.fallback.empty() ? "\"" + key.fallback + "\"" : key.fallback, false});
    }
    for (const auto &[schema, name] : config.names.schemas())
        settings.push_back({"objects.schema", fmt::format("{} -> {}", schema, name), true});
    for (const auto &[table, name] : config.names.tables())
        settings.push_back({"objects.table", fmt::format("{} -> {}", to_string(table), to_string(name)), true});
    for (const auto &[table, pattern] : config.objects.without_ddl)
        settings.push_back({"objects.table", fmt::format("{} without ddl", table), true});
    if (!config.objects.rules.empty()) settings.push_back({"objects.table", wire::to_json(config.objects.rules), true});
    return settings;
}

std::string describe(pg::Session &session) {
    return fmt::format("{}, PostgreSQL {}, {}", pg::describe(session.endpoint().url),
                       session.value("SHOW server_version").value_or("?"),
                       session
                           .value("SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(oid)) FROM "
                                  "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()")
                           .value_or("?"));
}

std::string identity_of(const source::Table &table) {
    if (table.kind == 'p') return "that of its partitions";
    if (table.replica_identity == 'f') return "REPLICA IDENTITY FULL";
    const auto *index = source::identity_index(table);
    if (index == nullptr) return "none";
    std::string columns;
    for (const int number : index->columns)
        if (const auto *column = table.column(number)) columns += (columns.empty() ? "" : ", ") + column->name;
    return fmt::format("{} ({})", index->primary ? "primary key" : index->name, columns);
}

struct IndexSize {
    int count = 0;
    std::uint64_t bytes = 0;
};

/// Empty where somebody's lock keeps us from looking.
std::map<std::uint32_t, IndexSize> read_index_sizes(pg::Session &source, std::vector<std::string> &notes) {
    std::map<std::uint32_t, IndexSize> sizes;
    source.execute("SAVEPOINT walbridge_indexes; SET LOCAL lock_timeout = '2s'");
    try {
        const auto rows = source.query(
            "SELECT i.indrelid, count(*), coalesce(sum(pg_catalog.pg_relation_size(i.indexrelid)), 0) FROM "
            "pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid WHERE c.oid >= 16384 AND "
            "c.relkind = 'r' GROUP BY 1");
        for (int row = 0; row < rows.rows(); ++row)
            sizes[static_cast<std::uint32_t>(rows.number(row, 0))] = {static_cast<int>(rows.number(row, 1)),
                                                                      static_cast<std::uint64_t>(rows.number(row, 2))};
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        notes.push_back(fmt::format("sizes of indexes cannot be read: {}", error.reason()));
    }
    source.execute("ROLLBACK TO SAVEPOINT walbridge_indexes");
    return sizes;
}

class Planner {
  public:
    Planner(const TaskConfig &config, std::chrono::milliseconds sample) : config_(config), sample_(sample) {}

    Plan take() {
        plan_.settings = settings_of(config_);
        pg::Session source(config_.source.endpoint, {config_.application_name("plan"), false, {}});
        plan_.source = describe(source);
        source::learn_names(config_, source);
        const auto reachable = connect_target();
        plan_.precheck = precheck(config_);
        writers(source);
        source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        snapshot_ = source.value("SELECT pg_catalog.pg_export_snapshot()").value();
        tables(source);
        const auto began = std::chrono::steady_clock::now();
        state_statements(source);
        schema_statements(source);
        const std::chrono::duration<double> definitions = std::chrono::steady_clock::now() - began;
        source.execute("ROLLBACK");
        plan_.samples = take_samples(config_, reachable ? &*target_ : nullptr, selected_, sample_, plan_.notes);
        plan_.samples.definitions_seconds = definitions.count();
        make_forecast(source);
        return std::move(plan_);
    }

  private:
    bool connect_target() {
        try {
            target_.emplace(config_.target.endpoint,
                            pg::ConnectOptions{config_.application_name("plan"), false, {{"lock_timeout", "2s"}}});
            plan_.target = describe(*target_);
            if (const auto row = read_task(*target_, config_.name); row && row->phase != Phase::none)
                plan_.started = name_of(row->phase);
            return true;
        } catch (const Error &error) {
            target_.reset();
            if (const auto missing = find_missing_database(config_, error); missing && config_.target.create) {
                add("target", "database", "DATABASE", missing->name, missing->statement);
                plan_.notes.emplace_back("the target database does not exist yet");
                return false;
            }
            plan_.notes.push_back(fmt::format("the target cannot be looked at: {}", error.reason()));
            return false;
        }
    }

    void writers(pg::Session &source) {
        for (auto &writer : list_writers(source, config_)) plan_.writers.push_back({"source", std::move(writer)});
        if (!target_) return;
        for (auto &writer : list_writers(*target_, config_)) plan_.writers.push_back({"target", std::move(writer)});
    }

    void tables(pg::Session &source) {
        selected_ = selected_tables(config_, source,
                                    config_.full_stage ? source::Unlogged::bring : source::Unlogged::leave_out);
        const auto sizes = read_index_sizes(source, plan_.notes);
        for (const auto &table : selected_) {
            PlannedTable planned;
            planned.source = table.name;
            planned.target = config_.names.table(table.name);
            planned.estimated_rows = table.estimated_rows;
            planned.identity = table.unlogged ? "none, unlogged" : identity_of(table);
            planned.unlogged = table.unlogged;
            if (table.kind == 'r') {
                planned.bytes = table.bytes;
                if (const auto found = sizes.find(table.oid); found != sizes.end()) {
                    planned.index_bytes = found->second.bytes;
                    planned.indexes = found->second.count;
                }
                if (config_.full_stage) {
                    const auto chunks = copy::plan_chunks(source, table, config_.copy, Lsn{});
                    planned.chunks = chunks.size();
                    planned.cut = chunks.empty() ? "" : copy::name_of(chunks.front().kind);
                }
            }
            plan_.tables.push_back(std::move(planned));
        }
    }

    void add(const char *side, const char *stage, const char *type, std::string object, std::string statement) {
        plan_.statements.push_back({side, stage, type, std::move(object), std::move(statement)});
    }

    void state_statements(pg::Session &source) {
        if (!plan_.started.empty()) return;
        if (!target_ || !state_installed(*target_))
            add("target", "state", "STATE", "schema walbridge", target_state_sql);
        if (config_.incremental_stage && config_.source.replica_identity == "set")
            for (const auto &table : selected_)
                if (!table.unlogged && !identifiable(table))
                    add("source", "identity", "REPLICA IDENTITY", to_string(table.name),
                        fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", quote(table.name)));
        add("source", "slot", "REPLICATION SLOT", config_.slot_name(),
            source::create_slot_statement({.slot = config_.slot_name(),
                                           .life = source::SlotLife::permanent,
                                           .plugin = slot_plugin,
                                           .application_name = {},
                                           .failover = wants_failover(config_, source.server_version())},
                                          source.server_version()));
    }

    void schema_statements(pg::Session &source) {
        if (!config_.schema_stage) return;
        const auto closure = schema::select_objects(
            source::read_object_graph(source), wire::ObjectSelection(config_.objects.include, config_.objects.exclude));
        plan_.left_behind = closure.left_behind;
        try {
            const StopToken never;
            for (auto &item : schema::plan_schema(config_, source, snapshot_, never))
                plan_.statements.push_back({"target", std::string(schema::name_of(item.section)), item.type, item.name,
                                            std::move(item.statement)});
        } catch (const Error &error) {
            if (error.kind() == ErrorKind::connection) throw;
            plan_.notes.push_back(fmt::format("the definitions cannot be read: {}: {} {}", error.object(),
                                              error.reason(), error.remedy()));
            source.rollback_quietly();
            source.execute("BEGIN");
        }
    }

    void make_forecast(pg::Session &source) {
        ForecastInput input;
        input.samples = plan_.samples;
        for (const auto &table : plan_.tables)
            if (!table.cut.empty())
                input.tables.push_back({table.source, static_cast<double>(table.bytes),
                                        config_.schema_stage ? static_cast<double>(table.index_bytes) : 0.0});
        input.full_stage = config_.full_stage;
        input.incremental_stage = config_.incremental_stage;
        for (const auto &statement : plan_.statements)
            if (statement.side == "target" && statement.stage != "state" && statement.stage != "database")
                ++input.statements;
        input.copy_workers = config_.copy.workers;
        input.index_workers = config_.copy.index_workers;
        const auto keep = source.value(
            "SELECT setting::bigint * 1048576 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size' AND "
            "setting::bigint >= 0");
        if (keep) input.max_slot_wal_keep_size = std::stoull(*keep);
        input.retained_warning = config_.slot.retained_warning;
        input.retained_limit = config_.slot.retained_limit;
        plan_.forecast = forecast(input);
    }

    const TaskConfig &config_;
    const std::chrono::milliseconds sample_;
    Plan plan_;
    std::optional<pg::Session> target_;
    std::string snapshot_;
    std::vector<source::Table> selected_;
};

} // namespace

Plan make_plan(const TaskConfig &config, std::chrono::milliseconds sample) { return Planner(config, sample).take(); }

} // namespace walbridge::task
