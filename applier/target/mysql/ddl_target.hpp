// ddl_target.hpp: the MySQL side of target/ddl_target.hpp, on the connection of an apply session.
//
// MySQL commits DDL by itself, and what was open before it. So there is nothing here that executes a statement of the
// source inside a transaction: execute() refuses, and execute_alone() takes what the caller has translated, one command
// after the other, with no transaction open.
#pragma once

#include "base/mysql/session.hpp"
#include "config/task_config.hpp"
#include "target/ddl_target.hpp"

#include <functional>

namespace walbridge::target {

class MysqlDdlTarget final : public DdlTarget {
  public:
    /// `settle` sends what the session has queued; `changed` is told that tables of the target may have changed.
    /// References must outlive the object.
    MysqlDdlTarget(const TaskConfig &config, my::Session &session, std::function<void()> settle,
                   std::function<void()> changed)
        : config_(config), session_(session), settle_(std::move(settle)), changed_(std::move(changed)) {}

    std::optional<DdlFailure> execute(const DdlCommands &commands) override;
    /// `made` is for statements that leave something half done behind, which MySQL's do not.
    std::optional<DdlFailure> execute_alone(const DdlCommands &commands,
                                            const std::optional<QualifiedName> &made) override;
    bool already_so(const DdlStatement &statement, const DdlCommands &commands, const DdlFailure &failure) override;
    bool relation_exists(const QualifiedName &name) override;
    bool type_exists(const QualifiedName &name) override;
    bool routine_exists(const QualifiedName &name) override;
    bool schema_exists(const std::string &name) override;
    /// Rows of rewritten tables are not taken over yet: Error(ddl).
    QualifiedName create_staging(std::uint32_t source_oid, const QualifiedName &table) override;
    void merge_staging(const QualifiedName &staging, const QualifiedName &table,
                       const std::vector<std::string> &columns, const std::vector<std::string> &match) override;
    void request_copy(std::uint32_t source_oid, const QualifiedName &source_name) override;
    std::string record(const DdlRecord &record) override;
    std::optional<std::string> recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) override;

  private:
    bool any(const std::string &query, const std::vector<sql::Parameter> &parameters);

    const TaskConfig &config_;
    my::Session &session_;
    const std::function<void()> settle_, changed_;
};

} // namespace walbridge::target
