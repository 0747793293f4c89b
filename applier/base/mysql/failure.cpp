// failure.cpp: the table of error numbers.
#include "base/mysql/failure.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace walbridge::my {
namespace {

struct Row {
    unsigned number;
    std::string_view sqlstate;
};

/// Sorted by number. Where a remedy depends on the number it stands in remedy_of().
constexpr std::array rows{
    Row{1005, "42000"}, // cannot create table
    Row{1007, "42P04"}, // database exists
    Row{1008, "3D000"}, // no such database to drop
    Row{1020, "40001"}, // record has changed since last read
    Row{1021, "53100"}, // disk full
    Row{1037, "53200"}, // out of memory
    Row{1038, "53200"}, // out of sort memory
    Row{1040, "53300"}, // too many connections
    Row{1041, "53200"}, // out of resources
    Row{1044, "42501"}, // access denied to the database
    Row{1045, "28P01"}, // access denied: password
    Row{1047, "57P03"}, // unknown command: a cluster node that is not ready
    Row{1048, "23502"}, // column cannot be null
    Row{1049, "3D000"}, // unknown database
    Row{1050, "42P07"}, // table exists
    Row{1051, "42P01"}, // unknown table
    Row{1053, "57P01"}, // shutdown in progress
    Row{1054, "42703"}, // unknown column
    Row{1060, "42701"}, // duplicate column name
    Row{1061, "42P07"}, // duplicate key name
    Row{1062, "23505"}, // duplicate entry
    Row{1064, "42601"}, // syntax
    Row{1091, "42704"}, // cannot drop: it is not there
    Row{1105, "XX000"}, // unknown error
    Row{1114, "53100"}, // table full: usually the disk
    Row{1129, "28000"}, // host blocked
    Row{1130, "28000"}, // host not allowed
    Row{1142, "42501"}, // command denied on a table
    Row{1143, "42501"}, // command denied on a column
    Row{1146, "42P01"}, // no such table
    Row{1152, "08006"}, // aborted connection
    Row{1153, "54000"}, // packet bigger than max_allowed_packet
    Row{1156, "08006"}, // packets out of order
    Row{1158, "08006"}, // error reading communication packets
    Row{1159, "08006"}, // timeout reading
    Row{1160, "08006"}, // error writing
    Row{1161, "08006"}, // timeout writing
    Row{1180, "08007"}, // error during COMMIT: whether it stands is not known
    Row{1184, "08006"}, // aborted connection
    Row{1203, "53300"}, // the user's connections are all taken
    Row{1205, "55P03"}, // lock wait timeout
    Row{1206, "53400"}, // lock table full
    Row{1213, "40P01"}, // deadlock
    Row{1216, "23503"}, // no referenced row
    Row{1217, "23503"}, // row is referenced
    Row{1226, "53300"}, // a limit of the user
    Row{1227, "42501"}, // a privilege is missing
    Row{1264, "22003"}, // out of range
    Row{1265, "22001"}, // data truncated
    Row{1290, "25006"}, // the server runs with an option that forbids it: read-only
    Row{1292, "22007"}, // incorrect value of a time or another type
    Row{1301, "54000"}, // result bigger than max_allowed_packet
    Row{1317, "57014"}, // interrupted: KILL QUERY
    Row{1364, "23502"}, // no default value
    Row{1366, "22P02"}, // incorrect value
    Row{1370, "42501"}, // routine denied
    Row{1406, "22001"}, // data too long
    Row{1412, "40001"}, // table definition has changed
    Row{1451, "23503"}, // row is referenced
    Row{1452, "23503"}, // no referenced row
    Row{1524, "28000"}, // plugin of the user is not loaded
    Row{1586, "23505"}, // duplicate entry
    Row{1637, "53000"}, // too many transactions
    Row{1665, "55000"}, // binary log format
    Row{1690, "22003"}, // out of range in an expression
    Row{1698, "28P01"}, // access denied without password
    Row{1792, "25006"}, // read-only transaction
    Row{1820, "28000"}, // password must be changed
    Row{1836, "25006"}, // read-only mode
    Row{1859, "23505"}, // duplicate entry
    Row{1862, "28000"}, // password expired
    Row{1927, "57P01"}, // connection killed
    Row{1969, "57014"}, // max_statement_time
    Row{2002, "08001"}, // no server at the socket
    Row{2003, "08001"}, // no server at the address
    Row{2005, "08001"}, // unknown host
    Row{2006, "08006"}, // server has gone away
    Row{2008, "53200"}, // client out of memory
    Row{2012, "08001"}, // handshake
    Row{2013, "08006"}, // lost during a statement
    Row{2020, "54000"}, // packet bigger than max_allowed_packet
    Row{2026, "08001"}, // TLS
    Row{2027, "08P01"}, // malformed packet
    Row{2055, "08006"}, // lost, with the system's reason
    Row{2059, "28000"}, // authentication plugin not available
    Row{2061, "28000"}, // authentication plugin's error
    Row{3024, "57014"}, // max_execution_time
    Row{3118, "28000"}, // account locked
    Row{3159, "28000"}, // TLS required by the server
    Row{3572, "55P03"}, // NOWAIT
    Row{3819, "23514"}, // check constraint
    Row{3955, "28000"}, // account locked after failed logins
    Row{4025, "23514"}, // constraint failed
    Row{4031, "57P05"}, // disconnected for inactivity
    Row{4151, "28000"}, // account locked
    Row{5013, "08006"}, // error reading
    Row{5014, "08006"}, // error writing
};
static_assert(std::ranges::is_sorted(rows, {}, &Row::number));

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The client library tells a refused certificate from a broken connection by words alone.
bool refused_certificate(const Failure &failure) {
    if (failure.number != 2026) return false;
    return std::ranges::any_of(std::array{"certificate", "Certificate", "hostname", "self signed", "self-signed",
                                          "passphrase", "private key", "bad decrypt", "Validation", "validation"},
                               [&](const char *sign) { return contains(failure.message, sign); });
}

ErrorKind kind_of(std::string_view sqlstate) {
    if (sqlstate == "42501") return ErrorKind::permission;
    if (sqlstate.starts_with("28")) return ErrorKind::authentication;
    if (sqlstate.starts_with("53")) return ErrorKind::resource;
    switch (recovery_for(sqlstate)) {
    case Recovery::reconnect: return ErrorKind::connection;
    case Recovery::retry_transaction: return ErrorKind::resource;
    case Recovery::stop: break;
    }
    return ErrorKind::target_data;
}

std::string remedy_of(const Failure &failure, std::string_view sqlstate, bool connected) {
    switch (failure.number) {
    case 1153:
    case 2020:
    case 1301:
        return "Raise max_allowed_packet on the server above the size of the largest row (SET GLOBAL "
               "max_allowed_packet = ..., at most 1 GiB), and resume.";
    case 1665:
        return "Set binlog_format = ROW (or MIXED) on the server: transactions under READ COMMITTED cannot be "
               "logged as statements.";
    case 1290:
        if (!contains(failure.message, "read")) break;
        [[fallthrough]];
    case 1836:
    case 1792: return "The server only serves reads: point target.url at the primary, or SET GLOBAL read_only = OFF.";
    case 3159: return "The server demands encryption: use ssl-mode=required or a verifying mode in target.url.";
    case 2059:
        return "The client library's plugin folder lacks this plugin: install the package libmariadb3, or give "
               "the user another authentication plugin.";
    case 1049: return "Create the database, or mend the name in target.url.";
    default: break;
    }
    if (refused_certificate(failure)) return "Check ssl-mode, ssl-ca, ssl-cert, ssl-key and the host in target.url.";
    if (sqlstate.starts_with("28"))
        return "Check user and password (target.url, password_env, password_file), the host that the user may connect "
               "from, and the account's state.";
    if (sqlstate == "42501") return "Grant the user what docs/configuration.md lists for this server.";
    if (!connected && recovery_for(sqlstate) == Recovery::reconnect)
        return "Check that the server runs and is reachable from here.";
    return {};
}

} // namespace

ServerVersion parse_version(std::string_view text) {
    ServerVersion version;
    if (contains(text, "MariaDB") || contains(text, "mariadb")) version.flavour = Flavour::mariadb;
    // Servers before 11 hide behind a version that old replicas accepted.
    if (version.flavour == Flavour::mariadb && text.starts_with("5.5.5-")) text.remove_prefix(6);
    for (const int factor : {10000, 100, 1}) {
        int part = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
        if (error != std::errc{}) break;
        version.number += part * factor;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (!text.starts_with('.')) break;
        text.remove_prefix(1);
    }
    return version;
}

std::string sqlstate_of(const Failure &failure) {
    if (refused_certificate(failure)) return "28000";
    // The storage engine's error number is in the words: 28 is ENOSPC.
    if (failure.number == 1030 || failure.number == 1026 || failure.number == 3)
        return contains(failure.message, "error 28") || contains(failure.message, "Errcode: 28") ? "53100" : "58030";
    const auto *const found = std::ranges::lower_bound(rows, failure.number, {}, &Row::number);
    if (found != rows.end() && found->number == failure.number) return std::string(found->sqlstate);
    if (failure.sqlstate.size() == 5 && failure.sqlstate != "00000") return failure.sqlstate;
    return "HY000";
}

std::string duplicate_key(std::string_view message) {
    // The value comes first and may hold anything: the last one counts.
    static constexpr std::string_view before = "for key '";
    const auto at = message.rfind(before);
    if (at == std::string_view::npos) return {};
    auto key = message.substr(at + before.size());
    if (key.ends_with('\'')) key.remove_suffix(1);
    return std::string(key);
}

SqlError error_of(const Failure &failure, const std::string &object, std::string_view statement, bool connected) {
    SqlError::Fields fields;
    fields.sqlstate = sqlstate_of(failure);
    fields.message = fmt::format("{} (error {})", failure.message, failure.number);
    fields.statement = std::string(statement.substr(0, 500));
    if (fields.sqlstate == "23505") fields.constraint = duplicate_key(failure.message);
    const auto kind = kind_of(fields.sqlstate);
    auto remedy = remedy_of(failure, fields.sqlstate, connected);
    return {kind, object, std::move(fields), std::move(remedy)};
}

} // namespace walbridge::my
