// ddl_message.cpp: writing DDL messages.
#include "server/ddl_message.hpp"

#include "server/compat.hpp"
#include "server/ddl_key.hpp"
#include "wire/authentication.hpp"

#include <cstring>

extern "C" {
#include "access/xlog.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
}

namespace walbridge {

namespace {

void write_first_line(StringInfo content, uint64 key_id, const wire::AuthenticationCode &code) {
    appendStringInfo(content, "%s " UINT64_FORMAT " ", wire::seal_version.data(), key_id);
    for (const unsigned char byte : code) appendStringInfo(content, "%02x", byte);
    appendStringInfoChar(content, '\n');
}

void write_relation(JsonWriter &json, const char *field, const NamedRelation &relation) {
    if (!OidIsValid(relation.oid)) return;
    JsonWriter entry(json.member(field), '{');
    entry.number("oid", relation.oid);
    entry.text("schema", relation.schema);
    entry.text("name", relation.name);
    entry.close();
}

} // namespace

void write_heading(JsonWriter &json, const char *kind, const char *phase, Statement *statement, CommandTag tag) {
    json.text("kind", kind);
    json.text("phase", phase);
    json.number_as_text("system", GetSystemIdentifier());
    json.number("database", MyDatabaseId);
    json.number_as_text("xid", U64FromFullTransactionId(GetTopFullTransactionId()));
    json.number("sequence", ++counters().messages);
    if (statement != nullptr) {
        json.number("number", number_of(statement));
        json.number("parent", statement->parent);
        json.number("level", statement->level);
    } else {
        json.number("number", ++counters().statements);
    }
    json.text("tag", GetCommandTagName(tag));
}

void write_beginning(JsonWriter &json, const Statement *statement) {
    json.text("text", statement->text);
    json.text("role", statement->role);
    if (statement->setting_count > 0) {
        JsonWriter settings(json.member("settings"), '{');
        for (int i = 0; i < statement->setting_count; ++i)
            settings.text_always(statement->settings[i].name, statement->settings[i].value);
        settings.close();
    }
    write_relation(json, "before", statement->before);
}

StringInfo seal_body(StringInfo body) {
    fail_if_wanted(FailurePoint::seal);
    const char *const text = pg_server_to_any(body->data, body->len, PG_UTF8);
    const Size bytes = text == body->data ? static_cast<Size>(body->len) : strlen(text);
    if (bytes > max_ddl_message_bytes)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("the statement is too long for a message: %zu bytes", bytes)));
    const CaptureKey key = read_capture_key();
    if (key.id == 0)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("table walbridge.capture_key holds no key"),
                 errhint("Call walbridge.rotate_capture_key().")));
    wire::AuthenticationCode code{};
    if (!wire::authenticate({key.bytes, static_cast<std::size_t>(key.length)}, {text, bytes}, code))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("HMAC-SHA256 is not available")));
    const StringInfo content = makeStringInfo();
    write_first_line(content, key.id, code);
    appendBinaryStringInfo(content, text, static_cast<int>(bytes));
    return content;
}

StringInfo unsealed(const char *body) {
    const StringInfo content = makeStringInfo();
    write_first_line(content, 0, wire::AuthenticationCode{});
    appendStringInfoString(content, body);
    return content;
}

void log_ddl(StringInfo content, Statement *statement) {
    compat::log_message(ddl_prefix, content->data, static_cast<Size>(content->len));
    for (; statement != nullptr; statement = statement->outer) statement->has_messages = true;
}

} // namespace walbridge
