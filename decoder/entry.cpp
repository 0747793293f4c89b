// entry.cpp: what the server finds in walbridge.so: the module's magic block, its initialization, the callback table
// and the SQL functions.
#pragma GCC visibility push(default)

#include "server/callbacks.hpp"
#include "server/ddl_capture.hpp"
#include "server/ddl_key.hpp"
#include "server/examine_rules.hpp"
#include "server/stream_callbacks.hpp"

extern "C" {
#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

void _PG_init(void);
void _PG_init(void) { walbridge::install_ddl_capture(); }

void _PG_output_plugin_init(OutputPluginCallbacks *callbacks) {
    callbacks->startup_cb = walbridge::startup_callback;
    callbacks->begin_cb = walbridge::begin_callback;
    callbacks->change_cb = walbridge::change_callback;
    callbacks->truncate_cb = walbridge::truncate_callback;
    callbacks->commit_cb = walbridge::commit_callback;
    callbacks->message_cb = walbridge::message_callback;
    callbacks->filter_by_origin_cb = walbridge::filter_by_origin_callback;
    callbacks->shutdown_cb = walbridge::shutdown_callback;
    walbridge::add_stream_callbacks(callbacks);
}

PG_FUNCTION_INFO_V1(walbridge_version);
Datum walbridge_version(PG_FUNCTION_ARGS) { PG_RETURN_TEXT_P(cstring_to_text(WALBRIDGE_VERSION)); }

PG_FUNCTION_INFO_V1(walbridge_capture_command_end);
Datum walbridge_capture_command_end(PG_FUNCTION_ARGS) { return walbridge::capture_command_end(fcinfo); }

PG_FUNCTION_INFO_V1(walbridge_capture_sql_drop);
Datum walbridge_capture_sql_drop(PG_FUNCTION_ARGS) { return walbridge::capture_sql_drop(fcinfo); }

PG_FUNCTION_INFO_V1(walbridge_capture_table_rewrite);
Datum walbridge_capture_table_rewrite(PG_FUNCTION_ARGS) { return walbridge::capture_table_rewrite(fcinfo); }

PG_FUNCTION_INFO_V1(walbridge_random_key);
Datum walbridge_random_key(PG_FUNCTION_ARGS) { return walbridge::random_key(); }

PG_FUNCTION_INFO_V1(walbridge_examine_rules);
Datum walbridge_examine_rules(PG_FUNCTION_ARGS) { return walbridge::examine_rules(fcinfo); }
}

#pragma GCC visibility pop
