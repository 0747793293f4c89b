// error.hpp: the one error type of the applier: which object, what is wrong, how to mend it, and the exit code.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace walbridge {

/// What went wrong, as far as an operator or a supervisor needs to tell apart. The value is the process's exit code;
/// `docs/configuration.md` lists them. Codes are never renumbered.
enum class ErrorKind : int {
    internal = 1,
    usage = 2,               ///< bad command line
    configuration = 3,       ///< bad task file
    precheck = 4,            ///< precheck found an error
    connection = 10,         ///< a server could not be reached within the retry window
    authentication = 11,     ///< a server refused the role or its password
    permission = 12,         ///< a right is missing
    resource = 13,           ///< disk full, out of memory, too many connections beyond the retry window
    slot_missing = 20,       ///< the slot of a started task does not exist
    slot_recreated = 21,     ///< the slot was dropped and created again
    slot_advanced = 22,      ///< the slot was moved past the stored position by somebody else
    source_replaced = 23,    ///< another cluster answers under the source's address
    source_restored = 24,    ///< the source went back in time or forked before the stored position
    database_replaced = 25,  ///< another database answers under the source database's name
    slot_in_use = 26,        ///< another process streams from the slot
    fenced = 27,             ///< another process took the task over
    slot_lost = 28,          ///< the server invalidated the slot (wal_status lost)
    slot_limit = 29,         ///< the slot was dropped because it retained more than slot.retained_limit
    protocol = 30,           ///< the stream is damaged or not of a known version
    stream_gap = 31,         ///< the transaction counter or checksum proves a lost or repeated transaction
    conflict = 40,           ///< a conflict under the policy `fail`
    unidentified = 41,       ///< a change whose row cannot be identified (no replica identity)
    target_shape = 42,       ///< a table or column is missing on the target, or its type cannot hold the value
    target_data = 43,        ///< the target refused a value or a statement
    schema_stage = 44,       ///< the schema stage could not create an object
    copy_stage = 45,         ///< the full stage could not copy a table
    plugin = 46,             ///< the output plugin is missing, refused by the server or of another version
    ddl = 47,                ///< a DDL statement of the source cannot be followed
    schema_differs = 48,     ///< `schema diff`: the two sides have different definitions
    data_differs = 49,       ///< `verify`: rows, sequences or definitions of the two sides differ
    task_state = 50,         ///< the command is not possible in the task's state
    timeout = 51,            ///< `wait` ran out of time
    switchover_refused = 52, ///< a gate was not proven; what had been done is undone, the source is in charge
    switchover_open = 53,    ///< the switchover ended half way and its undoing failed: the error lists what is left
    loop = 54,               ///< a change of the target came back to it through another task
    rule = 55,               ///< a row filter or column expression cannot be used, or failed for a row
};

[[nodiscard]] std::string_view name_of(ErrorKind kind);

/// An error with its object, reason and remedy. Immutable; safe to copy between threads.
class Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, std::string object, std::string reason, std::string remedy = {});

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] int exit_code() const noexcept { return static_cast<int>(kind_); }
    /// What the error is about: a table, an option, a slot, a connection.
    [[nodiscard]] const std::string &object() const noexcept { return object_; }
    /// Why it failed: lower case, no final period.
    [[nodiscard]] const std::string &reason() const noexcept { return reason_; }
    /// How to mend it: a full sentence, or a statement to run; may be empty.
    [[nodiscard]] const std::string &remedy() const noexcept { return remedy_; }

  private:
    ErrorKind kind_;
    std::string object_, reason_, remedy_;
};

/// What a caller can do about a failed statement or connection.
enum class Recovery {
    retry_transaction, ///< the same work may succeed on the same connection after a rollback (deadlock, lock timeout)
    reconnect,         ///< the connection is gone or the server is starting, stopping, full
    stop,              ///< a decision is needed: retrying would fail the same way
};

/// Maps a SQLSTATE (empty = the connection broke without one) to what can be done.
/// Source: PostgreSQL's appendix "Error Codes"; the rows are a table-driven test.
[[nodiscard]] Recovery recovery_for(std::string_view sqlstate);

/// A server refused a statement or the connection broke.
class SqlError : public Error {
  public:
    struct Fields {
        std::string sqlstate; ///< empty when the connection broke
        std::string message, detail, hint, schema, table, column, constraint, statement;
    };
    SqlError(ErrorKind kind, std::string object, Fields fields, std::string remedy = {});

    [[nodiscard]] const Fields &fields() const noexcept { return fields_; }
    [[nodiscard]] const std::string &sqlstate() const noexcept { return fields_.sqlstate; }
    [[nodiscard]] Recovery recovery() const { return recovery_for(fields_.sqlstate); }

  private:
    Fields fields_;
};

} // namespace walbridge
