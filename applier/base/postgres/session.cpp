// session.cpp: libpq connections: parameters, fixed session settings, errors with their remedy.
#include "base/postgres/session.hpp"

#include "base/log.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace walbridge::pg {
namespace {

struct OptionsDelete {
    void operator()(PQconninfoOption *options) const noexcept { PQconninfoFree(options); }
};
using ConnInfo = std::unique_ptr<PQconninfoOption, OptionsDelete>;

ConnInfo parse(const std::string &url) {
    char *message = nullptr;
    ConnInfo info(PQconninfoParse(url.c_str(), &message));
    const std::unique_ptr<char, Delete> owned(message);
    if (!info)
        throw Error(ErrorKind::configuration, "connection string", message != nullptr ? message : "cannot be parsed",
                    "Give a libpq connection string such as postgresql://role@host:5432/database.");
    return info;
}

std::string option(const PQconninfoOption *options, std::string_view keyword) {
    for (; options->keyword != nullptr; ++options)
        if (keyword == options->keyword && options->val != nullptr) return options->val;
    return {};
}

std::string trimmed(const char *text) {
    std::string message = text != nullptr ? text : "";
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
    return message;
}

std::string field(const PGresult *result, int code) {
    const char *text = result != nullptr ? PQresultErrorField(result, code) : nullptr;
    return text != nullptr ? text : "";
}

bool contains(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

/// libpq gives no SQLSTATE for a refused connection; the server's own wording is what there is.
ErrorKind kind_of_refusal(const std::string &message) {
    for (const auto *sign : {"password authentication failed", "no password supplied", "no pg_hba.conf entry",
                             "authentication failed", "role \"", "certificate"})
        if (contains(message, sign)) return ErrorKind::authentication;
    if (contains(message, "permission denied") || contains(message, "must be superuser") ||
        contains(message, "REPLICATION"))
        return ErrorKind::permission;
    return ErrorKind::connection;
}

std::string remedy_of_refusal(ErrorKind kind, const Endpoint &endpoint) {
    if (kind == ErrorKind::authentication)
        return fmt::format(
            "Check role and password of the {} (password_env, password_file or .pgpass) and the server's pg_hba.conf.",
            endpoint.role);
    if (kind == ErrorKind::permission) return "Grant the role what docs/configuration.md lists for this server.";
    return fmt::format("Check that the {} runs and is reachable from here.", endpoint.role);
}

} // namespace

long long Result::number(int row, int column) const {
    const auto text = get(row, column);
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::internal, "query result", fmt::format("expected an integer, got \"{}\"", text));
    return value;
}

long long Result::affected() const {
    const char *text = PQcmdTuples(result_.get());
    return *text == '\0' ? 0 : std::strtoll(text, nullptr, 10);
}

Session::Session(const Endpoint &endpoint, const ConnectOptions &options)
    : endpoint_(std::make_shared<const Endpoint>(endpoint)) {
    const auto info = parse(endpoint.url);
    std::vector<const char *> keys, values;
    const auto add = [&](const char *key, const std::string &value) {
        keys.push_back(key);
        values.push_back(value.c_str());
    };
    const std::string yes = "1", database_walsender = "database", utf8 = "UTF8", ten = "10", idle = "30",
                      interval = "10", count = "3", user_timeout = "60000";
    const auto add_default = [&](const char *key, const std::string &value) {
        if (option(info.get(), key).empty()) add(key, value);
    };
    add("dbname", endpoint.url); // expanded; what follows overrides
    if (!endpoint.password.empty()) add("password", endpoint.password);
    // The server cuts longer names itself, and says so each time.
    constexpr std::size_t longest_name = 63;
    const auto application_name = options.application_name.substr(0, longest_name);
    if (!application_name.empty()) add("application_name", application_name);
    add("client_encoding", utf8);
    if (options.replication) add("replication", database_walsender);
    // What a role or database sets must not end even the statement that would put it right [T-16]; these three every
    // server knows, the newer ones follow below.
    auto server_options = option(info.get(), "options");
    if (const char *set = std::getenv("PGOPTIONS");
        server_options.empty() && set != nullptr) // NOLINT(concurrency-mt-unsafe)
        server_options = set;
    server_options += std::string(server_options.empty() ? "" : " ") +
                      "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0";
    add("options", server_options);
    add_default("connect_timeout", ten);
    add_default("keepalives", yes);
    add_default("keepalives_idle", idle);
    add_default("keepalives_interval", interval);
    add_default("keepalives_count", count);
    add_default("tcp_user_timeout", user_timeout);
    keys.push_back(nullptr);
    values.push_back(nullptr);

    connection_.reset(PQconnectdbParams(keys.data(), values.data(), 1));
    if (!connection_) throw Error(ErrorKind::resource, endpoint.role, "out of memory while connecting");
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        SqlError::Fields fields;
        fields.message = trimmed(PQerrorMessage(connection_.get()));
        const auto kind = kind_of_refusal(fields.message);
        throw SqlError(kind, fmt::format("{} {}", endpoint.role, describe(endpoint.url)), fields,
                       remedy_of_refusal(kind, endpoint));
    }
    PQsetNoticeProcessor(
        connection_.get(),
        [](void *, const char *text) {
            log::debug("server notice", {{"notice", trimmed(text)}});
        },
        nullptr);

    // Role and database defaults must not end a long copy or hide rows [T-16, F-10]. The shortest statement first: a
    // timeout of transactions counts from its beginning.
    if (server_version() >= 170000) execute("SET transaction_timeout = 0");
    std::string settings = server_version() >= 140000 ? "SET idle_session_timeout = 0; " : "";
    settings += "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET "
                "row_security = off; SET search_path = pg_catalog; SET standard_conforming_strings = "
                "on; SET DateStyle = 'ISO, "
                "MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 3; "
                "SET bytea_output = 'hex'; SET default_transaction_read_only = off"; // a fenced database
    for (const auto &[name, value] : options.settings) settings += fmt::format("; SET {} = '{}'", name, value);
    execute(settings);
}

Result Session::check(PGresult *raw, std::string_view statement) {
    Result result(raw);
    switch (PQresultStatus(raw)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: return result;
    default: raise(raw, statement);
    }
}

void Session::raise(const PGresult *result, std::string_view statement) const {
    SqlError::Fields fields;
    fields.sqlstate = field(result, PG_DIAG_SQLSTATE);
    fields.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
    fields.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    fields.hint = field(result, PG_DIAG_MESSAGE_HINT);
    fields.schema = field(result, PG_DIAG_SCHEMA_NAME);
    fields.table = field(result, PG_DIAG_TABLE_NAME);
    fields.column = field(result, PG_DIAG_COLUMN_NAME);
    fields.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
    fields.statement = std::string(statement.substr(0, 500));
    if (fields.message.empty()) fields.message = trimmed(PQerrorMessage(connection_.get()));
    if (PQstatus(connection_.get()) != CONNECTION_OK && recovery_for(fields.sqlstate) == Recovery::stop)
        fields.sqlstate.clear();
    auto kind = ErrorKind::target_data;
    switch (recovery_for(fields.sqlstate)) {
    case Recovery::reconnect:
        kind = fields.sqlstate.starts_with("53") ? ErrorKind::resource : ErrorKind::connection;
        break;
    case Recovery::retry_transaction: kind = ErrorKind::resource; break;
    case Recovery::stop:
        if (fields.sqlstate.starts_with("WB")) { // the plugin's own (docs/wire-protocol.md): rules for rows and columns
            kind = ErrorKind::rule;
            if (fields.hint.empty())
                fields.hint =
                    "Nothing of the transaction was applied. Give the rule in [[objects.table]] a form that has a "
                    "value for this row (docs/filters.md), then start the task again.";
        } else if (fields.sqlstate == "42501")
            kind = ErrorKind::permission;
        else if (fields.sqlstate.starts_with("28"))
            kind = ErrorKind::authentication;
        break;
    }
    throw SqlError(kind, fmt::format("{} {}", endpoint_->role, describe(endpoint_->url)), std::move(fields));
}

Result Session::execute(const std::string &sql) { return check(PQexec(connection_.get(), sql.c_str()), sql); }

Result Session::query(const std::string &sql, const std::vector<Parameter> &parameters) {
    std::vector<const char *> values;
    values.reserve(parameters.size());
    for (const auto &parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
    return check(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                              nullptr, nullptr, 0),
                 sql);
}

std::optional<std::string> Session::value(const std::string &sql, const std::vector<Parameter> &parameters) {
    const auto result = query(sql, parameters);
    if (result.rows() == 0 || result.columns() == 0 || result.null(0, 0)) return std::nullopt;
    return result.text(0, 0);
}

sql::Rows Session::ask(const sql::Statement &statement, const std::vector<Parameter> &parameters) {
    const std::string text(statement.in(sql::Dialect::postgres));
    const auto result = parameters.empty() ? execute(text) : query(text, parameters);
    std::vector<std::vector<sql::Rows::Cell>> cells(static_cast<std::size_t>(result.rows()));
    for (int row = 0; row < result.rows(); ++row)
        for (int column = 0; column < result.columns(); ++column)
            cells[static_cast<std::size_t>(row)].push_back(
                result.null(row, column) ? std::nullopt : std::optional(result.text(row, column)));
    return {std::move(cells), result.affected()};
}

void Session::rollback_quietly() noexcept {
    if (!connection_ || PQstatus(connection_.get()) != CONNECTION_OK || !in_transaction()) return;
    PQclear(PQexec(connection_.get(), "ROLLBACK"));
}

void Session::cancel() noexcept {
    PGcancel *handle = connection_ ? PQgetCancel(connection_.get()) : nullptr;
    if (handle == nullptr) return;
    char message[256];
    PQcancel(handle, message, sizeof message);
    PQfreeCancel(handle);
}

std::string redact(const std::string &url) {
    const auto info = parse(url);
    std::string shown;
    for (const auto *entry = info.get(); entry->keyword != nullptr; ++entry) {
        if (entry->val == nullptr || entry->dispchar[0] == '*' || entry->dispchar[0] == 'D') continue;
        if (std::strstr(entry->keyword, "password") != nullptr || std::strstr(entry->keyword, "passphrase") != nullptr)
            continue;
        if (!shown.empty()) shown += ' ';
        shown += fmt::format("{}={}", entry->keyword, entry->val);
    }
    return shown;
}

std::string describe(const std::string &url) {
    const auto info = parse(url);
    const auto host = option(info.get(), "host"), address = option(info.get(), "hostaddr"),
               port = option(info.get(), "port");
    return fmt::format("{}:{}/{}", host.empty() ? (address.empty() ? "local" : address) : host,
                       port.empty() ? "5432" : port, option(info.get(), "dbname"));
}

std::string with_parameter(const std::string &url, const std::string &keyword, const std::string &value) {
    const auto info = parse(url);
    std::string changed;
    const auto append = [&](std::string_view key, std::string_view text) {
        if (!changed.empty()) changed += ' ';
        changed += fmt::format("{}='", key);
        for (const char c : text) {
            if (c == '\'' || c == '\\') changed += '\\';
            changed += c;
        }
        changed += '\'';
    };
    for (const auto *entry = info.get(); entry->keyword != nullptr; ++entry)
        if (entry->val != nullptr && keyword != entry->keyword) append(entry->keyword, entry->val);
    append(keyword, value);
    return changed;
}

std::string with_database(const std::string &url, const std::string &database) {
    return with_parameter(url, "dbname", database);
}

std::optional<std::string> parameter(const std::string &url, std::string_view keyword) {
    const auto info = parse(url);
    auto value = option(info.get(), keyword);
    if (value.empty()) return std::nullopt;
    return value;
}

} // namespace walbridge::pg
