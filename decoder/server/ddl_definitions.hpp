// ddl_definitions.hpp: how tables look right after a DDL statement, for targets that do not speak PostgreSQL: columns,
// indexes, checks, foreign keys and comments, as applier/schema/mysql/catalog/*.sql asks for them from outside.
//
// All of it is read with the server's own functions under fixed settings: no query runs in the user's session, and
// nothing that the session has set is seen in the texts. Tables are locked in ACCESS SHARE mode until the transaction
// ends, so that no other transaction alters them between what is said here and its commit.
//
// On the server's side of the border: no object with a destructor here.
#pragma once

#include "server/ddl_json.hpp"
#include "server/ddl_statement.hpp"

namespace walbridge {

/// A column of a table that CREATE TABLE AS is going to make.
struct NewColumn {
    const char *name = nullptr;
    Oid type = InvalidOid;
    int32 typmod = -1;
    Oid collation = InvalidOid;
};

// Server calls, may raise. In the current memory context.

/// The oids of tables whose definition a statement may have changed, by what it created and changed (CommandObject) and
/// dropped (DroppedObject). Some may not be tables, may be gone or come twice: write_definitions() looks. tree is the
/// statement's, and may be null. Call under the user's settings: the tree's names are looked up.
List *possibly_changed_tables(const Statement *statement, const List *objects, const List *dropped, const Node *tree);

/// The member `definitions` with the permanent tables among these, each once, by oid; without those of extensions, of
/// walbridge and of the system. Nothing when none is left.
void write_definitions(JsonWriter &json, List *tables);

/// The same for a table that is not there yet: names and columns (NewColumn) are all there is to say.
void write_new_definition(JsonWriter &json, const char *schema, const char *name, const List *columns);

} // namespace walbridge
