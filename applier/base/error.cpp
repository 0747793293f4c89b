// error.cpp: names of error kinds, and which SQLSTATEs a retry can cure.
#include "base/error.hpp"

#include <utility>

namespace walbridge {

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::internal: return "internal";
    case ErrorKind::usage: return "usage";
    case ErrorKind::configuration: return "configuration";
    case ErrorKind::precheck: return "precheck";
    case ErrorKind::connection: return "connection";
    case ErrorKind::authentication: return "authentication";
    case ErrorKind::permission: return "permission";
    case ErrorKind::resource: return "resource";
    case ErrorKind::slot_missing: return "slot_missing";
    case ErrorKind::slot_recreated: return "slot_recreated";
    case ErrorKind::slot_advanced: return "slot_advanced";
    case ErrorKind::source_replaced: return "source_replaced";
    case ErrorKind::source_restored: return "source_restored";
    case ErrorKind::database_replaced: return "database_replaced";
    case ErrorKind::slot_in_use: return "slot_in_use";
    case ErrorKind::fenced: return "fenced";
    case ErrorKind::slot_lost: return "slot_lost";
    case ErrorKind::protocol: return "protocol";
    case ErrorKind::stream_gap: return "stream_gap";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::unidentified: return "unidentified";
    case ErrorKind::target_shape: return "target_shape";
    case ErrorKind::target_data: return "target_data";
    case ErrorKind::schema_stage: return "schema_stage";
    case ErrorKind::copy_stage: return "copy_stage";
    case ErrorKind::plugin: return "plugin";
    case ErrorKind::ddl: return "ddl";
    case ErrorKind::schema_differs: return "schema_differs";
    case ErrorKind::slot_limit: return "slot_limit";
    case ErrorKind::data_differs: return "data_differs";
    case ErrorKind::switchover_refused: return "switchover_refused";
    case ErrorKind::switchover_open: return "switchover_open";
    case ErrorKind::loop: return "loop";
    case ErrorKind::rule: return "rule";
    case ErrorKind::task_state: return "task_state";
    case ErrorKind::timeout: return "timeout";
    }
    return "internal";
}

Error::Error(ErrorKind kind, std::string object, std::string reason, std::string remedy)
    : std::runtime_error(object.empty() ? reason : object + ": " + reason), kind_(kind), object_(std::move(object)),
      reason_(std::move(reason)), remedy_(std::move(remedy)) {}

namespace {

std::string reason_of(const SqlError::Fields &fields) {
    std::string text = fields.message;
    if (!fields.detail.empty()) text += " (" + fields.detail + ")";
    if (!fields.sqlstate.empty()) text += " [SQLSTATE " + fields.sqlstate + "]";
    return text;
}

} // namespace

SqlError::SqlError(ErrorKind kind, std::string object, Fields fields, std::string remedy)
    : Error(kind, std::move(object), reason_of(fields), remedy.empty() ? fields.hint : std::move(remedy)),
      fields_(std::move(fields)) {}

Recovery recovery_for(std::string_view sqlstate) {
    if (sqlstate.empty()) return Recovery::reconnect;
    const auto state_class = sqlstate.substr(0, 2);
    if (sqlstate == "40001" || sqlstate == "40P01" || sqlstate == "55P03") return Recovery::retry_transaction;
    if (state_class == "08") return Recovery::reconnect; // connection exceptions
    if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03")
        return Recovery::reconnect;                      // shutdown, crash, starting
    if (sqlstate == "57P05") return Recovery::reconnect; // idle session timeout
    if (sqlstate == "25P03" || sqlstate == "25P04")
        return Recovery::reconnect;                              // idle-in-transaction, transaction timeout
    if (sqlstate == "57014") return Recovery::retry_transaction; // somebody cancelled the statement
    if (state_class == "53") return Recovery::reconnect;         // disk full, out of memory, too many connections
    if (state_class == "58") return Recovery::reconnect;         // system error: I/O
    if (sqlstate == "55006") return Recovery::reconnect; // object in use: a slot still held by our old walsender
    return Recovery::stop;
}

} // namespace walbridge
