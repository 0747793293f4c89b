// target_side.cpp: see target_side.hpp.
#include "copy/target_side.hpp"

#include "base/sql/insert_rows.hpp"
#include "copy/mysql/reconcile.hpp"
#include "copy/mysql/row_sink.hpp"
#include "copy/postgres/row_sink.hpp"
#include "copy/reconcile.hpp"
#include "schema/mysql/definition_json.hpp"
#include "schema/mysql/plan.hpp"
#include "schema/mysql/stage.hpp"
#include "schema/plan.hpp"
#include "schema/target_session.hpp"
#include "target/mysql/value_policy.hpp"
#include "target/state_session.hpp"

namespace walbridge::copy {
namespace {

pg::Session &postgres_of(sql::Session &session) { return static_cast<pg::Session &>(session); }
my::Session &mysql_of(sql::Session &session) { return static_cast<my::Session &>(session); }

template <class Stage> class StageOf final : public DefinitionStage {
  public:
    StageOf(const TaskConfig &config, const sql::Fence &fence, const StopToken &stop, schema::StageEvents events)
        : stage_(config, fence, stop, std::move(events)) {}
    bool run_before_data() override { return stage_.run_before_data(); }
    bool run_after_data() override { return stage_.run_after_data(); }

  private:
    Stage stage_;
};

} // namespace

void flush_commits(sql::Session &target, const TaskConfig &config, const sql::Fence &fence) {
    // MySQL's commits are durable when they return (innodb_flush_log_at_trx_commit = 1 is demanded).
    if (target.dialect() == sql::Dialect::postgres) schema::flush_commits(postgres_of(target), config, fence);
}

DefinitionPlan plan_definitions(const TaskConfig &config, pg::Session &source, const std::string &snapshot,
                                const StopToken &stop) {
    DefinitionPlan plan;
    if (!target::is_mysql(config)) {
        if (config.schema_stage) plan.items = schema::plan_schema(config, source, snapshot, stop);
        return plan;
    }
    const bool follows = !config.ddl.off() && config.incremental_stage;
    if (!config.schema_stage && !follows) return plan;
    const auto tables = schema::mysql::read_selected_tables(config, source);
    if (config.schema_stage)
        plan.items = schema::mysql::plan_schema(config, source, tables,
                                                {.flavour = target::flavour(config),
                                                 .policy = target::mysql::value_policy(config),
                                                 .shape = schema::mysql::table_shaper(config)});
    if (follows)
        for (const auto &table : tables) plan.followed.emplace(table.oid, schema::mysql::to_json(table));
    return plan;
}

void store_followed_definitions(sql::Session &target, const std::string &task,
                                const std::map<std::uint32_t, std::string> &definitions) {
    if (definitions.empty()) return;
    std::vector<std::vector<sql::Parameter>> rows;
    rows.reserve(definitions.size());
    for (const auto &[oid, definition] : definitions) rows.push_back({task, std::to_string(oid), definition});
    sql::insert_rows(target, "walbridge.table_definition", {"task", "source_oid", "definition"}, rows);
}

std::unique_ptr<DefinitionStage> make_definition_stage(const TaskConfig &config, const sql::Fence &fence,
                                                       const StopToken &stop, schema::StageEvents events) {
    if (target::is_mysql(config))
        return std::make_unique<StageOf<schema::mysql::Stage>>(config, fence, stop, std::move(events));
    return std::make_unique<StageOf<schema::Stage>>(config, fence, stop, std::move(events));
}

std::unique_ptr<sql::Session> open_load_session(const TaskConfig &config) {
    if (target::is_mysql(config)) return target::open_state(config, config.application_name("copy"));
    auto session = std::make_unique<pg::Session>(schema::open_target(config, "copy"));
    session->execute("SET synchronous_commit = local");
    return session;
}

std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes,
                                           pg::Session &source, sql::Session &target) {
    if (target.dialect() == sql::Dialect::mysql) return mysql::make_row_target(config, tables, shapes, source);
    return postgres::make_row_target(config, tables, shapes, postgres_of(target));
}

Reconciled reconcile_target(const LoadContext &context, pg::Session &source, const source::ExportedSnapshot &snapshot,
                            const SourceTables &tables, sql::Session &target, const std::vector<Chunk> &chunks) {
    if (target.dialect() == sql::Dialect::mysql)
        return {mysql::reconcile(context, source, snapshot, tables, mysql_of(target), chunks), {}};
    return reconcile(context, source, snapshot, tables, postgres_of(target), chunks);
}

} // namespace walbridge::copy
