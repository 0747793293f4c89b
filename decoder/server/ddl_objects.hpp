// ddl_objects.hpp: what a DDL statement created, changed and dropped, as event triggers report it, with what the
// replaying side needs to choose by: names, tables of indexes and triggers, persistence.
//
// The server's own functions behind pg_event_trigger_ddl_commands() and pg_event_trigger_dropped_objects() are called
// directly: no query runs in the user's session, so no search_path, privilege or operator of the user has a part in it.
//
// On the server's side of the border: no object with a destructor here.
#pragma once

#include "server/ddl_json.hpp"
#include "server/ddl_statement.hpp"

namespace walbridge {

struct CommandObject {
    Oid class_oid = InvalidOid; ///< invalid for GRANT and ALTER DEFAULT PRIVILEGES
    Oid oid = InvalidOid;
    int32 sub = 0;
    const char *class_name = nullptr;
    const char *tag = nullptr;
    const char *type = nullptr;
    const char *schema = nullptr;
    const char *identity = nullptr;
    const char *name = nullptr;
    char persistence = '\0'; ///< of the relation, or of the one it belongs to
    Oid table = InvalidOid;  ///< of indexes, triggers, policies, rules, constraints
    const char *table_schema = nullptr;
    const char *table_name = nullptr;
};

struct DroppedObject {
    Oid class_oid = InvalidOid;
    Oid oid = InvalidOid;
    int32 sub = 0;
    bool original = false;
    bool passing = false; ///< temporary or unlogged: the target has no such object
    const char *class_name = nullptr;
    const char *type = nullptr;
    const char *schema = nullptr;
    const char *name = nullptr;
    const char *identity = nullptr;
    List *address_names = nullptr; ///< of char *
    List *address_args = nullptr;
};

struct CommandObjects {
    List *kept = nullptr;           ///< of CommandObject
    bool any_passing = false;       ///< objects of temporary or unlogged relations were left out
    bool any_passing_table = false; ///< among them the table that the statement is about
};

// Server calls, may raise. In the current memory context.

/// Call from ddl_command_end. statement may be null.
CommandObjects collect_commands(const Statement *statement);
/// Call from sql_drop. Gives DroppedObject.
List *collect_dropped(const Statement *statement);
/// Whether dropped objects are worth a message.
bool any_replicated(const List *dropped);

void write_objects(JsonWriter &json, const List *objects);
void write_dropped(JsonWriter &json, const List *dropped);
/// Values that older rows show for the columns that an ALTER TABLE has added without rewriting the table.
void write_missing_values(JsonWriter &json, const Statement *statement, const Node *tree);

} // namespace walbridge
