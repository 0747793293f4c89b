// ddl_target.hpp: the PostgreSQL side of target/ddl_target.hpp, on the connection of an apply session. What it sends of
// its own runs as the session's role with its fixed settings; only the commands themselves run as the acting role under
// the source's settings, inside a savepoint that takes all of it back when one of them fails.
#pragma once

#include "config/task_config.hpp"
#include "target/ddl_target.hpp"
#include "target/postgres/acting_role.hpp"

#include <functional>

namespace walbridge::target {

class PostgresDdlTarget final : public DdlTarget {
  public:
    /// `begin` starts the transaction on the server when that is still to be done; `changed` is told that tables of the
    /// target may have changed. References must outlive the object.
    PostgresDdlTarget(const TaskConfig &config, pg::Session &session, std::function<void()> begin,
                      std::function<void()> changed)
        : config_(config), session_(session), begin_(std::move(begin)), changed_(std::move(changed)),
          role_(config, session) {}

    std::optional<DdlFailure> execute(const DdlCommands &commands) override;
    std::optional<DdlFailure> execute_alone(const DdlCommands &commands,
                                            const std::optional<QualifiedName> &made) override;
    bool already_so(const DdlStatement &statement, const DdlCommands &commands, const DdlFailure &failure) override;
    bool relation_exists(const QualifiedName &name) override;
    bool type_exists(const QualifiedName &name) override;
    bool routine_exists(const QualifiedName &name) override;
    bool schema_exists(const std::string &name) override;
    QualifiedName create_staging(std::uint32_t source_oid, const QualifiedName &table) override;
    void merge_staging(const QualifiedName &staging, const QualifiedName &table,
                       const std::vector<std::string> &columns, const std::vector<std::string> &match) override;
    void request_copy(std::uint32_t source_oid, const QualifiedName &source_name) override;
    std::string record(const DdlRecord &record) override;
    std::optional<std::string> recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) override;

  private:
    struct Redo {
        std::string drop;     ///< makes room for what the commands create
        std::string describe; ///< a query whose single value is the definition
    };
    void run_as(const DdlCommands &commands);
    bool any(const std::string &sql, const std::vector<pg::Parameter> &parameters);
    bool dropped_are_gone(const DdlStatement &statement);
    std::vector<Redo> redoable(const DdlStatement &statement, const DdlFailure &failure);
    bool same_when_redone(const Redo &redo, const DdlCommands &commands);

    const TaskConfig &config_;
    pg::Session &session_;
    const std::function<void()> begin_, changed_;
    ActingRole role_;
};

} // namespace walbridge::target
