// ddl_target.hpp: what following the source's DDL asks of a target session, inside its open transaction unless said
// otherwise. Names are the target's. Nothing here decides anything.
#pragma once

#include "base/lsn.hpp"
#include "base/qualified_name.hpp"
#include "change/ddl_statement.hpp"
#include "target/progress.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::target {

/// Statements to be executed as one, and under what.
struct DdlCommands {
    std::vector<std::string> commands;
    std::string role; ///< of the source; the session knows whom it stands for
    std::string search_path;
    std::map<std::string, std::string> settings; ///< of the source's session; those that matter are taken over
    bool evaluates_expressions = false;
};

/// A statement for a target whose DDL commits by itself. The server executes it whole or not at all.
struct CommittingCommand {
    std::string sql;
    std::vector<QualifiedName> tables; ///< their definitions tell whether it was executed
};

/// Why a statement was not executed. The transaction stands as it stood before.
struct DdlFailure {
    std::string sqlstate; ///< empty: the session itself refused
    std::string message, detail, hint, command;
    std::string remedy; ///< empty = the usual ones
    [[nodiscard]] std::string describe() const;
};

enum class DdlState {
    failed,     ///< the task stopped at it; it comes again at the next run
    skipped,    ///< passed over under ddl.on_error = "skip"
    gap,        ///< DDL that the source could not capture, passed over likewise
    refused,    ///< no statement of the source's capture: forged, altered or repeated
    recognised, ///< what it would have done was there already
    left,       ///< a table left the selection; it is no longer followed
    dismissed,  ///< an operator decided that it is not to be executed
    retried,    ///< executed later
};
[[nodiscard]] const char *name_of(DdlState state);

/// A statement that did not simply succeed: a row of walbridge.ddl_statement.
struct DdlRecord {
    Lsn commit_lsn;
    std::uint64_t number = 0; ///< of the statement within its transaction; 0 = unknown (refused)
    std::uint64_t change = 0; ///< of the message within its transaction; used where `number` is 0
    DdlState state = DdlState::failed;
    std::string tag, object_class, text, role, search_path;
    std::vector<std::string> commands;
    std::string error, reason;
    std::string message; ///< JSON of the captured statement, for a later retry; empty = it cannot be retried
};

class DdlTarget {
  public:
    virtual ~DdlTarget() = default;

    /// Executes the commands, all or none, as the role's equivalent. nullopt = done. What a retry of the transaction or
    /// a new connection may cure is thrown as SqlError.
    virtual std::optional<DdlFailure> execute(const DdlCommands &commands) = 0;
    /// The same for one command that must not run in a transaction; the session must have none open. May be repeated
    /// after a crash: an index in `made` that is valid counts as done, an invalid one is dropped first.
    virtual std::optional<DdlFailure> execute_alone(const DdlCommands &commands,
                                                    const std::optional<QualifiedName> &made) = 0;

    /// On a target whose DDL commits by itself: commits what the open transaction did as the beginning of its source
    /// transaction, executes the commands one after the other, and opens a transaction again, which notes that the
    /// change number `at.changes` was taken. Repeated after a crash, it goes on with the commands that were stored
    /// then, neither leaving one out nor executing one twice. A refused command leaves those before it executed. Throws
    /// like TargetSession::commit().
    virtual std::optional<DdlFailure> execute_committing(const std::vector<CommittingCommand> &commands,
                                                         const BegunTransaction &at);
    /// There as well: the source's tables as the target follows them, as JSON objects by the source's OID. Changes
    /// belong to the open transaction.
    virtual std::map<std::uint32_t, std::string> table_definitions();
    virtual void store_table_definition(std::uint32_t source_oid, const std::string &definition);
    virtual void forget_table_definition(std::uint32_t source_oid);

    /// Whether the failure only says that what the statement would have done is so already: a dropped object is gone;
    /// an object to be created is there and equals, definition by definition, what the commands would create.
    virtual bool already_so(const DdlStatement &statement, const DdlCommands &commands, const DdlFailure &failure) = 0;

    virtual bool relation_exists(const QualifiedName &name) = 0;
    virtual bool type_exists(const QualifiedName &name) = 0;
    virtual bool routine_exists(const QualifiedName &name) = 0;
    virtual bool schema_exists(const std::string &name) = 0;

    /// An empty temporary table with the columns of `table` for the rows that the source made by rewriting it; its
    /// name.
    virtual QualifiedName create_staging(std::uint32_t source_oid, const QualifiedName &table) = 0;
    /// Gives `table` the rows that stand in its staging table, and drops that. `columns`: those that the source sent
    /// values for. Rows are matched by a unique key of the table, all of whose columns are among `match`; without one,
    /// the table's rows are replaced altogether.
    virtual void merge_staging(const QualifiedName &staging, const QualifiedName &table,
                               const std::vector<std::string> &columns, const std::vector<std::string> &match) = 0;

    /// Notes that a table of the source is to be copied and that the task goes back to its initial load for it.
    virtual void request_copy(std::uint32_t source_oid, const QualifiedName &source_name) = 0;

    /// Inside the open transaction, or in one of its own when there is none. Returns the record's id.
    virtual std::string record(const DdlRecord &record) = 0;
    /// What is recorded of a statement.
    virtual std::optional<std::string> recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) = 0;
};

} // namespace walbridge::target
