// apply_session.hpp: the MySQL and MariaDB side of target.hpp: one connection, transactions of InnoDB.
//
// What differs from PostgreSQL and shapes this class:
// * A refused statement takes back itself alone, so that the exact path needs no savepoints. A deadlock takes back the
//   whole transaction, a lock timeout may: both are thrown, and everything is done again from the stored position.
// * COMMIT returns when the transaction is on disk (progress.hpp: demand_durable_commits).
// * Values come in text form only (the stream is asked for it) and are converted by the plan's ValueWriters.
// * Nobody knows who wrote a row, and when: conflicts by origin or time cannot be judged.
// * TRUNCATE would commit: rows are deleted instead, in the transaction.
#pragma once

#include "config/task_config.hpp"
#include "target/commit_ledger.hpp"
#include "target/mysql/batch.hpp"
#include "target/mysql/ddl_target.hpp"
#include "target/mysql/statements.hpp"
#include "target/target.hpp"

namespace walbridge::target {

class MysqlApplySession final : public TargetSession {
  public:
    /// Connects and prepares the session; throws Error(task_state) when the server's commits are not durable.
    /// `lock_timeout` replaces apply.lock_timeout; whole seconds, at least one.
    MysqlApplySession(const TaskConfig &config, CommitLedger &ledger, int number = 0,
                      std::optional<std::chrono::milliseconds> lock_timeout = {});

    std::optional<TargetTable> describe(const QualifiedName &table) override;
    void begin() override;
    void rollback() noexcept override;
    [[nodiscard]] bool in_transaction() const override { return in_transaction_; }
    [[nodiscard]] long long backend() const override { return static_cast<long long>(session_.thread_id()); }

    void savepoint() override;
    void rollback_to_savepoint() override;
    void queue_insert(const TablePlan &plan, std::span<const Row> rows) override;
    void queue_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) override;
    void queue_delete(const TablePlan &plan, std::span<const Row> keys) override;
    void queue_absent(const TablePlan &plan, std::span<const Row> keys) override;
    void queue_change(const TablePlan &plan, const RowChange &change) override;
    void queue_truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) override;
    bool flush() override;
    void prove_on_server() override { batch_.prove_on_server(); }
    bool commit_unseen(const CommitPosition &position) override;
    [[nodiscard]] const std::string &mismatch() const override { return mismatch_; }

    RowOutcome apply(const TablePlan &plan, const RowChange &change, bool guarded) override;
    long long delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) override;
    std::vector<MetRow> rows_in_the_way(const TablePlan &plan, Row row, const Row *except_key) override;
    std::optional<MetRow> row_found(const TablePlan &plan, const RowChange &change) override;
    [[nodiscard]] bool detects_origins() const override { return false; }
    std::vector<ConflictDecision> decisions() override;
    /// Never called: commit times decide nothing here.
    void announce_outdated(const TablePlan &plan, const std::string &key, SourceTime time) override;
    std::optional<MetRow> delete_outdated(const std::string &announcement) override;
    std::string row_as_json(const TablePlan &plan, Row row) override;
    /// InnoDB enforces what it has.
    std::optional<std::string> violated_unenforced(const TablePlan &plan, Row row) override;
    /// DELETE without WHERE: it takes time and undo space by the row, but the transaction stays whole. AUTO_INCREMENT
    /// goes on counting, which `restart_identity` cannot change inside a transaction.
    void truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) override;
    void delete_range(const TablePlan &plan, const std::string &column, const std::optional<std::string> &low,
                      const std::optional<std::string> &high) override;
    void commit(const CommitPosition &position) override;
    DdlTarget &ddl() override { return ddl_; }
    void record_conflict(const ConflictRecord &conflict) override;
    Lsn durable_position() override { return ledger_.durability().durable; }

  private:
    /// What is queued is sent, so that single statements may follow.
    void settle();
    template <class Body> void queue_refusing(Body body);
    void queue_sets(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows, std::size_t most,
                    const std::function<std::string(std::span<const Row>, std::span<const Row>)> &statement,
                    bool absent = false);
    [[nodiscard]] std::string change_sql(const TablePlan &plan, const RowChange &change) const;
    [[nodiscard]] static std::string row_name(const TablePlan &plan, const RowChange &change);
    bool finish_commit(const CommitPosition &position);
    void check_position();
    std::vector<MetRow> read_met(const TablePlan &plan, const std::string &condition);

    const TaskConfig &config_;
    CommitLedger &ledger_;
    my::Session session_;
    mysql::StatementBatch batch_;
    MysqlDdlTarget ddl_;
    std::string mismatch_;
    /// A value that no column of the target can hold was met while queueing: flush() answers for it, and the exact path
    /// meets it again at its place.
    bool refused_ = false;
    bool in_transaction_ = false;
};

} // namespace walbridge::target
