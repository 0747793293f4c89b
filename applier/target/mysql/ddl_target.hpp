// ddl_target.hpp: the MySQL side of target/ddl_target.hpp, on the connection of an apply session.
//
// MySQL commits DDL by itself, and what was open before it. So there is nothing here that executes a statement of the
// source inside a transaction: execute() and execute_alone() refuse, and execute_committing() takes what the caller has
// translated. What it is about to do stands in walbridge.begun_transaction, with the definitions of the tables as they
// were before the command under way: after a crash they tell whether it was executed, because the server executes it
// whole or not at all.
#pragma once

#include "base/mysql/session.hpp"
#include "config/task_config.hpp"
#include "target/commit_ledger.hpp"
#include "target/ddl_target.hpp"

#include <functional>

namespace walbridge::target {

/// What the apply session lends its DDL.
struct MysqlDdlHooks {
    std::function<void()> settle;  ///< sends what is queued
    std::function<void()> commit;  ///< commits the open transaction at the position the target has
    std::function<void()> begin;   ///< opens the next one
    std::function<void()> changed; ///< tables of the target may have changed
};

/// What DdlTarget::store_table_definition() stores, through any session and its open transaction.
void store_table_definition(sql::Session &session, const std::string &task, std::uint32_t source_oid,
                            const std::string &definition);

class MysqlDdlTarget final : public DdlTarget {
  public:
    /// References must outlive the object.
    MysqlDdlTarget(const TaskConfig &config, my::Session &session, CommitLedger &ledger, MysqlDdlHooks hooks)
        : config_(config), session_(session), ledger_(ledger), hooks_(std::move(hooks)) {}

    std::optional<DdlFailure> execute(const DdlCommands &commands) override;
    std::optional<DdlFailure> execute_alone(const DdlCommands &commands,
                                            const std::optional<QualifiedName> &made) override;
    std::optional<DdlFailure> execute_committing(const std::vector<CommittingCommand> &commands,
                                                 const BegunTransaction &at) override;
    std::map<std::uint32_t, std::string> table_definitions() override;
    void store_table_definition(std::uint32_t source_oid, const std::string &definition) override;
    void forget_table_definition(std::uint32_t source_oid) override;
    bool already_so(const DdlStatement &statement, const DdlCommands &commands, const DdlFailure &failure) override;
    bool relation_exists(const QualifiedName &name) override;
    bool type_exists(const QualifiedName &name) override;
    bool routine_exists(const QualifiedName &name) override;
    bool schema_exists(const std::string &name) override;
    /// Never called: rewritten rows go into their table, which was emptied.
    QualifiedName create_staging(std::uint32_t source_oid, const QualifiedName &table) override;
    void merge_staging(const QualifiedName &staging, const QualifiedName &table,
                       const std::vector<std::string> &columns, const std::vector<std::string> &match) override;
    void request_copy(std::uint32_t source_oid, const QualifiedName &source_name) override;
    std::string record(const DdlRecord &record) override;
    std::optional<std::string> recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) override;

  private:
    struct Pending {
        std::vector<CommittingCommand> commands;
        std::size_t step = 0;
        std::optional<std::string> before; ///< of the step's tables, when it may have been executed
    };
    std::optional<Pending> load_pending(const BegunTransaction &at);
    void store_begun(const BegunTransaction &at, const Pending &pending);
    void note_step(const Pending &pending);
    std::string definitions_of(const std::vector<QualifiedName> &tables);
    bool any(const std::string &query, const std::vector<sql::Parameter> &parameters);

    const TaskConfig &config_;
    my::Session &session_;
    CommitLedger &ledger_;
    const MysqlDdlHooks hooks_;
};

} // namespace walbridge::target
