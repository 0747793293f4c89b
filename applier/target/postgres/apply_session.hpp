// apply_session.hpp: the PostgreSQL (and PolarDB for PostgreSQL) side of target.hpp: one connection in replica role.
#pragma once

#include "config/task_config.hpp"
#include "target/commit_ledger.hpp"
#include "target/postgres/acting_role.hpp"
#include "target/postgres/ddl_target.hpp"
#include "target/postgres/pipeline.hpp"
#include "target/postgres/statements.hpp"
#include "target/target.hpp"

namespace walbridge::target {

class PostgresApplySession final : public TargetSession {
  public:
    /// Connects and prepares the session. Session 0 is opened first and outlives the others: it compares the marks of
    /// all replication origins of the task with the stored position and makes that position durable. Each session has
    /// an origin of its own, since PostgreSQL lets one session use an origin.
    /// `lock_timeout` replaces apply.lock_timeout.
    PostgresApplySession(const TaskConfig &config, CommitLedger &ledger, int number = 0,
                         std::optional<std::chrono::milliseconds> lock_timeout = {});

    std::optional<TargetTable> describe(const QualifiedName &table) override;
    void begin() override;
    void rollback() noexcept override;
    [[nodiscard]] bool in_transaction() const override { return in_transaction_; }
    [[nodiscard]] long long backend() const override { return session_.backend_pid(); }

    void savepoint() override;
    void rollback_to_savepoint() override;
    void queue_insert(const TablePlan &plan, std::span<const Row> rows) override;
    void queue_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) override;
    void queue_delete(const TablePlan &plan, std::span<const Row> keys) override;
    void queue_absent(const TablePlan &plan, std::span<const Row> keys) override;
    void queue_change(const TablePlan &plan, const RowChange &change) override;
    void queue_truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) override;
    bool flush() override;
    void prove_on_server() override;
    bool commit_unseen(const CommitPosition &position) override;
    [[nodiscard]] const std::string &mismatch() const override { return pipeline_.problem(); }

    RowOutcome apply(const TablePlan &plan, const RowChange &change, bool guarded) override;
    long long delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) override;
    std::vector<MetRow> rows_in_the_way(const TablePlan &plan, Row row, const Row *except_key) override;
    std::optional<MetRow> row_found(const TablePlan &plan, const RowChange &change) override;
    [[nodiscard]] bool detects_origins() const override { return !our_origins_.empty(); }
    std::vector<ConflictDecision> decisions() override;
    void announce_outdated(const TablePlan &plan, const std::string &key, SourceTime time) override;
    std::optional<MetRow> delete_outdated(const std::string &announcement) override;
    std::string row_as_json(const TablePlan &plan, Row row) override;
    std::optional<std::string> violated_unenforced(const TablePlan &plan, Row row) override;
    void truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) override;
    void delete_range(const TablePlan &plan, const std::string &column, const std::optional<std::string> &low,
                      const std::optional<std::string> &high) override;
    void commit(const CommitPosition &position) override;
    DdlTarget &ddl() override { return ddl_; }
    void record_conflict(const ConflictRecord &conflict) override;
    Lsn durable_position() override;

  private:
    struct RowStatement {
        std::string sql;
        Bindings bindings;
    };
    /// Sends what `body` queues as the table's owner, where that is called for.
    template <class Body> void queue_as_owner(const std::string &owner, bool triggers, Body body);
    template <class Body> void queue_as_owner(const TablePlan &plan, Body body);
    /// The same for one statement of the exact path; in a transaction of its own when there is none.
    pg::Result run_as_owner(const TablePlan &plan, const std::string &sql, const Bindings &bindings);
    void send_insert(const TablePlan &plan, std::span<const Row> rows);
    void send_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows);
    void send_delete(const TablePlan &plan, std::span<const Row> keys);
    void send_absent(const TablePlan &plan, std::span<const Row> keys);
    void check_origin_marks();
    [[noreturn]] void raise_refused_commit();
    RowStatement row_statement(const TablePlan &plan, const RowChange &change, const std::string &also = {}) const;
    void learn_origins();
    [[nodiscard]] std::string written_by_us(std::string_view xmin) const;
    [[nodiscard]] std::string met(const std::string &rows) const;
    std::vector<MetRow> read_met(const pg::Result &rows) const;
    void send_counted(const std::string &sql, Bindings &bindings, long long rows);
    void send_by_key(const TablePlan &plan, const std::string &sql, std::span<const Row> keys, long long rows_each);
    void send_inserts(const TablePlan &plan, const std::string &sql, Bindings &bindings, long long rows);
    void queue_commit(const CommitPosition &position);
    bool finish_commit(const CommitPosition &position);
    void tables_changed();
    void force_flush();

    const TaskConfig &config_;
    CommitLedger &ledger_;
    pg::Session session_;
    StatementPipeline pipeline_;
    ActingRole role_;
    PostgresDdlTarget ddl_;
    std::uint64_t ddl_seen_ = 0;     ///< CommitLedger::ddl() when the prepared statements began to be made
    bool ddl_open_ = false;          ///< the open transaction has changed tables
    std::uint64_t connected_at_ = 0; ///< commits of the task before this session: it cannot speak for those
    bool origin_ = false;
    bool commit_times_ = false;            ///< the server knows when and by whom rows were written
    std::string our_origins_;              ///< ids, where rows of others are conflicts; else empty
    std::optional<pg::Session> announcer_; ///< without an origin: what it writes travels the way back
    bool in_transaction_ = false;
    bool savepoint_open_ = false;
    bool proving_ = false; ///< statements prove their row counts on the server
};

} // namespace walbridge::target
