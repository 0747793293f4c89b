// ddl_message.hpp: the logical messages that carry DDL: form and seal. docs/wire-protocol.md, "DDL messages".
//
// On the server's side of the border: no object with a destructor here.
#pragma once

#include "server/ddl_json.hpp"
#include "server/ddl_statement.hpp"

namespace walbridge {

inline constexpr char ddl_prefix[] = "walbridge.ddl";

/// Longer ones than this become gaps: WAL records and what decodes them have their limit at 1 GB.
inline constexpr int max_ddl_message_bytes = 256 * 1024 * 1024;

/// Writes what every message says first: its kind, its phase, its proof of origin, its place. Takes the next sequence
/// number and, if there is none yet, a transaction id. statement may be null.
void write_heading(JsonWriter &json, const char *kind, const char *phase, Statement *statement, CommandTag tag);
/// Text, role and settings from the beginning of the statement, and what the relation was called.
void write_beginning(JsonWriter &json, const Statement *statement);

/// The content of a message: the body in UTF-8 behind the line that vouches for it. In the current memory context.
StringInfo seal_body(StringInfo body);
/// The same without a key: nobody takes it for genuine, but it is there to be seen.
StringInfo unsealed(const char *body);

/// Writes the message into the transaction under way, and notes it in its statement and those around it.
void log_ddl(StringInfo content, Statement *statement);

} // namespace walbridge
