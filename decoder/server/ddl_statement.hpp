// ddl_statement.hpp: DDL statements while they run. The utility hook opens one when a statement begins and closes it
// when it is over, however it ends; what only the beginning knows is kept here for the event triggers, which fire
// later: the text, the role, the settings, and what the relation was called.
//
// Statements nest: a function in a DEFAULT, a user's event trigger, a CREATE SCHEMA with elements may run DDL. The
// innermost one is the one that an event trigger speaks of.
//
// On the server's side of the border: no object with a destructor, everything lives in a memory context of the
// statement's own (it may outlive the transaction it began in: CREATE INDEX CONCURRENTLY commits on its way).
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "tcop/cmdtag.h"
}

namespace walbridge {

struct SettingValue {
    const char *name;
    const char *value;
};

/// A relation that the statement names, as it was when the statement began.
struct NamedRelation {
    Oid oid = InvalidOid;
    const char *schema = nullptr;
    const char *name = nullptr;
    char persistence = '\0';
    AttrNumber columns = 0; ///< the highest column number
};

struct Statement {
    Statement *outer = nullptr;
    MemoryContext memory = nullptr;
    CommandTag tag = CMDTAG_UNKNOWN;
    bool ignored = false;   ///< has nothing that could be replicated, or is part of a statement that stands for it
    bool hides_all = false; ///< what runs inside of it is part of it: extension scripts, queries of materialized views
    bool switched_off = false;
    bool holds_secret = false; ///< its options hold a password: its text goes nowhere
    bool has_messages = false; ///< of its own or of statements inside of it
    uint64 transaction = 0;    ///< in which it got its number, see TransactionCounters
    uint64 number = 0;
    uint64 parent = 0;
    uint32 level = 0;
    const char *text = nullptr;
    const char *role = nullptr;
    SettingValue *settings = nullptr;
    int setting_count = 0;
    NamedRelation before;        ///< of ALTER, RENAME, SET SCHEMA
    bool names_permanent = true; ///< DROP, GRANT: false when every relation named is temporary, unlogged or walbridge's
    List *passing = nullptr;     ///< oids of temporary and unlogged relations that a DROP names
    List *unindexed = nullptr;   ///< oids of the tables whose indexes a DROP INDEX names
    List *dropped = nullptr;     ///< of DroppedObject, collected by sql_drop
    const char *failure = nullptr; ///< why it cannot be captured
};

/// Numbers of the transaction under way; start over with the next one.
struct TransactionCounters {
    uint64 transaction = 0; ///< counts transactions of the process
    uint64 statements = 0;
    uint64 messages = 0;
};

/// The innermost statement, null outside of DDL.
Statement *current_statement();
TransactionCounters &counters();

/// Whether this session could capture DDL at all: no catalog is read.
bool capture_is_possible();
/// Whether DDL is captured here and now: the level of WAL, the extension's event trigger and the session's replication
/// role decide. Needs a transaction; looks into catalogs, may raise.
bool capture_is_active();

/// The number by which a statement goes in the transaction under way: it gets another one when it has lived through a
/// commit.
uint64 number_of(Statement *statement);

/// Whether a utility command is DDL with a life of its own.
bool is_statement(const PlannedStmt *command);
/// Opens a statement for a command that begins. Raises only what the command would raise as well. The caller ends it on
/// every way out.
Statement *begin_statement(const PlannedStmt *command, const char *query);
/// Closes statements from the innermost on, until `outer` is the innermost. Does not raise.
void end_statements(Statement *outer);

/// Counters follow transactions. Once per process.
void watch_transactions();

/// Where an injected failure strikes: the setting walbridge.debug_capture_failure.
enum class FailurePoint : int { none = 0, collect, definitions, seal };
extern int failure_point; // of FailurePoint; a server setting
void fail_if_wanted(FailurePoint here);

extern bool capture_ddl; // the setting walbridge.capture_ddl

} // namespace walbridge
