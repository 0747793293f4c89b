// ddl_capture.hpp: DDL into the transaction's own stream: one logical message per statement, in order with the rows.
//
// A utility hook sees a statement begin (ddl_statement.hpp), event triggers see what it did (ddl_objects.hpp), and a
// message is written (ddl_message.hpp): at the end of every statement, before the first row of CREATE TABLE AS, and
// before the rows of each table that ALTER TABLE rewrites.
//
// Capturing never makes a statement fail. It works in subtransactions; when it fails, a message of kind gap says so in
// place of the statement. What passes through are requests to end the statement or the session.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "fmgr.h"
}

namespace walbridge {

/// Settings, the hook and the transaction callback. Once per process, from _PG_init.
void install_ddl_capture();

// The functions of the extension's event triggers. They refuse to be called as anything else.
Datum capture_command_end(FunctionCallInfo call_info);
Datum capture_sql_drop(FunctionCallInfo call_info);
Datum capture_table_rewrite(FunctionCallInfo call_info);

} // namespace walbridge
