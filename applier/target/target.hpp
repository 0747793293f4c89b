// target.hpp: what the apply room asks of a target database. One session = one connection = one thread.
//
// A target transaction is: begin(), then per batch either queued operations proven by flush() inside a savepoint, or
// the row-by-row operations of the exact path, then commit() with the new position. Leaving without commit() rolls
// back.
#pragma once

#include "change/change.hpp"
#include "target/ddl_target.hpp"
#include "target/table_plan.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walbridge::target {

/// Rows of a queued operation: each row has one value per planned column (key operations: only key columns are read).
using Row = std::span<const Value>;

/// What one statement of the exact path met.
struct RowOutcome {
    long long affected = 0;
    bool violation = false; ///< a unique or exclusion constraint refused the row; the statement was undone
    std::string constraint; ///< which one
    std::string message;    ///< the server's words
};

/// A row of the target that a change meets.
struct MetRow {
    std::string shown;                     ///< as JSON, for records: length and digest of a long one
    std::string key;                       ///< the columns that find it, as a JSON object
    std::optional<SourceTime> commit_time; ///< of its last writer; nullopt = the server does not know (any more)
    std::optional<std::string> origin;     ///< replication origin of its last writer; empty = written there; like above
    bool own = true;                       ///< last written by this task, or nobody knows by whom
};

struct CommitPosition {
    Lsn position;               ///< end_lsn of the last whole source transaction, or an idle position
    std::uint64_t counter = 0;  ///< 0 = unchanged (idle position)
    SourceTime commit_time = 0; ///< 0 = unchanged
};

struct ConflictRecord {
    std::string kind, policy, outcome;
    QualifiedName table;
    std::string operation; ///< insert, update, delete
    Lsn commit_lsn;
    std::uint64_t change = 0; ///< number of the change within its transaction
    SourceTime commit_time = 0;
    std::string constraint;
    std::string key, source_row; ///< JSON
    std::string source_origin;   ///< empty = made on the source itself
    std::vector<MetRow> met;     ///< rows of the target
};

/// What an operator decided about a change that stopped the task.
struct ConflictDecision {
    Lsn commit_lsn;
    std::uint64_t change = 0;
    bool overwrite = false; ///< else the change is passed over
};

class TargetSession {
  public:
    virtual ~TargetSession() = default;

    /// Reads a table from the catalog; nullopt when it does not exist. Outside and inside transactions.
    virtual std::optional<TargetTable> describe(const QualifiedName &table) = 0;

    virtual void begin() = 0;
    virtual void rollback() noexcept = 0;
    [[nodiscard]] virtual bool in_transaction() const = 0;
    /// The server's number of the session, by which lock waits name it.
    [[nodiscard]] virtual long long backend() const = 0;

    // Optimistic operations: queued, sent together, proven by their row counts.
    /// Marks the state to roll back to; takes the place of an earlier mark in the transaction.
    virtual void savepoint() = 0;
    virtual void rollback_to_savepoint() = 0;
    virtual void queue_insert(const TablePlan &plan, std::span<const Row> rows) = 0;
    /// All rows set the same columns: those that are present in the first.
    virtual void queue_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) = 0;
    virtual void queue_delete(const TablePlan &plan, std::span<const Row> keys) = 0;
    /// Proves that no row has one of the keys.
    virtual void queue_absent(const TablePlan &plan, std::span<const Row> keys) = 0;
    /// One change as one statement, in order: for tables the set operations cannot serve.
    virtual void queue_change(const TablePlan &plan, const RowChange &change) = 0;
    virtual void queue_truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) = 0;
    /// Sends what is queued. True when every operation hit exactly its rows; false on any mismatch or refused
    /// statement: the caller rolls back to the savepoint, which stands until the next one or the transaction's end.
    /// Throws only what a retry or an operator must see (lost connection).
    virtual bool flush() = 0;
    /// From now on queued operations prove their row counts by themselves, on the server, so that commit_unseen() may
    /// follow without a look at them in between. For eligible plans only (TablePlan::bulk_eligible). Ends with
    /// commit_unseen() or rollback().
    virtual void prove_on_server() = 0;
    /// Sends what is queued and the commit in one go. False when anything deviated: nothing is committed, the
    /// transaction is rolled back. Throws like commit().
    virtual bool commit_unseen(const CommitPosition &position) = 0;
    /// Why the last flush() or commit_unseen() returned false, for the log.
    [[nodiscard]] virtual const std::string &mismatch() const = 0;

    // The exact path: one statement, one answer. A constraint violation leaves the transaction usable when `guarded`.
    virtual RowOutcome apply(const TablePlan &plan, const RowChange &change, bool guarded) = 0;
    /// Deletes every row that holds one of the unique keys of `row`, except the row found by `except_key`; how many.
    virtual long long delete_conflicting(const TablePlan &plan, Row row, const Row *except_key) = 0;
    /// The rows that hold one of the unique keys of `row`, except the row found by `except_key`, locked; a few at the
    /// most.
    virtual std::vector<MetRow> rows_in_the_way(const TablePlan &plan, Row row, const Row *except_key) = 0;
    /// The row that an UPDATE or DELETE finds, locked.
    virtual std::optional<MetRow> row_found(const TablePlan &plan, const RowChange &change) = 0;
    /// Whether the session knows who wrote rows: UPDATE and DELETE of others' rows are then mismatches of queued
    /// operations.
    [[nodiscard]] virtual bool detects_origins() const = 0;
    /// Decisions about changes that stopped the task; read once.
    virtual std::vector<ConflictDecision> decisions() = 0;
    /// Tells the way back, in the stream of the target's own changes, that versions of the row with this key
    /// (MetRow::key) are outdated that were committed before `time`: one that has come to life again there must go.
    /// Independent of the open transaction, and true whether that commits or not.
    virtual void announce_outdated(const TablePlan &plan, const std::string &key, SourceTime time) = 0;
    /// What announce_outdated() of the opposite task wrote: deletes the row if it is older; the row that went.
    virtual std::optional<MetRow> delete_outdated(const std::string &announcement) = 0;
    /// A row in transit as JSON, made by the server's own type functions.
    virtual std::string row_as_json(const TablePlan &plan, Row row) = 0;
    /// Checks the constraints that the server does not enforce in our session: a name when `row` is now there twice.
    virtual std::optional<std::string> violated_unenforced(const TablePlan &plan, Row row) = 0;

    virtual void truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) = 0;
    /// Deletes the rows whose integer key lies in [low, high); unset = open.
    virtual void delete_range(const TablePlan &plan, const std::string &column, const std::optional<std::string> &low,
                              const std::optional<std::string> &high) = 0;

    /// Moves the fenced progress row and commits. Throws Error(fenced) when another process took over.
    virtual void commit(const CommitPosition &position) = 0;

    /// For the source's DDL, in the session's transactions.
    virtual DdlTarget &ddl() = 0;

    /// Records a conflict: inside the open transaction, or in one of its own when there is none.
    virtual void record_conflict(const ConflictRecord &conflict) = 0;

    /// Highest source position whose target transaction is durable by now; asks the server when something is
    /// outstanding.
    virtual Lsn durable_position() = 0;
};

} // namespace walbridge::target
