// session.hpp: one libpq connection: connecting with fixed settings, statements, results, errors.
// A Session belongs to one thread at a time; cancel() alone may be called from another.
#pragma once

#include "base/error.hpp"
#include "base/sql/session.hpp"

#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walbridge::pg {

struct Delete {
    void operator()(PGconn *connection) const noexcept { PQfinish(connection); }
    void operator()(PGresult *result) const noexcept { PQclear(result); }
    void operator()(char *memory) const noexcept { PQfreemem(memory); }
};

/// How to reach a server. `url` is any libpq connection string; passwords in it are never logged.
struct Endpoint {
    std::string role; ///< "source" or "target": names the server in errors
    std::string url;
    std::string password; ///< overrides the one in `url`; empty = libpq's own sources (.pgpass, PGPASSWORD)
};

struct ConnectOptions {
    std::string application_name;
    bool replication = false; ///< `replication=database`: walsender of the URL's database
    /// Settings applied with SET after the session's own (timeouts off, UTF8, fixed search_path).
    std::vector<std::pair<std::string, std::string>> settings;
};

/// Rows or command status of one statement. Views are valid as long as the Result lives.
class Result {
  public:
    explicit Result(PGresult *result) : result_(result) {}
    [[nodiscard]] int rows() const { return PQntuples(result_.get()); }
    [[nodiscard]] int columns() const { return PQnfields(result_.get()); }
    [[nodiscard]] bool null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
    [[nodiscard]] std::string_view get(int row, int column) const {
        return {PQgetvalue(result_.get(), row, column),
                static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
    }
    [[nodiscard]] std::string text(int row, int column) const { return std::string(get(row, column)); }
    /// A boolean in text form.
    [[nodiscard]] bool flag(int row, int column) const { return get(row, column) == "t"; }
    /// An integer in text form; throws Error(internal) on anything else.
    [[nodiscard]] long long number(int row, int column) const;
    /// Rows affected by INSERT, UPDATE, DELETE, COPY, SELECT.
    [[nodiscard]] long long affected() const;
    [[nodiscard]] PGresult *raw() const { return result_.get(); }
    explicit operator bool() const { return result_ != nullptr; }

  private:
    std::unique_ptr<PGresult, Delete> result_;
};

using Parameter = sql::Parameter;

/// Connects, or throws SqlError (connection, authentication, permission) that names the server, never the password.
class Session final : public sql::Session {
  public:
    Session(const Endpoint &endpoint, const ConnectOptions &options);
    Session(Session &&) noexcept = default;
    Session &operator=(Session &&) noexcept = default;

    /// Runs one or more statements without parameters (simple protocol); the last result. Throws SqlError.
    Result execute(const std::string &sql);
    /// Runs one statement with text parameters (extended protocol, which replication connections refuse). Throws
    /// SqlError.
    Result query(const std::string &sql, const std::vector<Parameter> &parameters = {});
    /// One value of the first row; nullopt when there is no row or it is NULL.
    std::optional<std::string> value(const std::string &sql, const std::vector<Parameter> &parameters = {});

    [[nodiscard]] sql::Dialect dialect() const override { return sql::Dialect::postgres; }
    sql::Rows ask(const sql::Statement &statement, const std::vector<Parameter> &parameters = {}) override;

    [[nodiscard]] PGconn *raw() const { return connection_.get(); }
    [[nodiscard]] const Endpoint &endpoint() const { return *endpoint_; }
    /// For example 150020.
    [[nodiscard]] int server_version() const { return PQserverVersion(connection_.get()); }
    [[nodiscard]] int backend_pid() const { return PQbackendPID(connection_.get()); }
    [[nodiscard]] bool in_transaction() const override {
        return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE;
    }

    [[nodiscard]] bool usable() const override { return PQstatus(connection_.get()) == CONNECTION_OK; }
    /// Rolls back what is open; never throws (the connection may be gone).
    void rollback_quietly() noexcept override;
    /// Asks the server to cancel the running statement. Callable from any thread; best effort.
    void cancel() noexcept override;

    /// Throws SqlError made of `result` (or of the connection's message when it broke).
    [[noreturn]] void raise(const PGresult *result, std::string_view statement) const;

  private:
    Result check(PGresult *raw, std::string_view statement);
    std::shared_ptr<const Endpoint> endpoint_;
    std::unique_ptr<PGconn, Delete> connection_;
};

/// The connection string as it may be shown: without password and other secrets.
[[nodiscard]] std::string redact(const std::string &url);

/// Host, port, database of a connection string as `host:port/database`, for messages.
[[nodiscard]] std::string describe(const std::string &url);

/// One parameter of a connection string ("dbname", "user"); nullopt when it is not given. Throws Error(configuration).
[[nodiscard]] std::optional<std::string> parameter(const std::string &url, std::string_view keyword);

/// The connection string with one parameter set or replaced, in keyword/value form.
[[nodiscard]] std::string with_parameter(const std::string &url, const std::string &keyword, const std::string &value);

/// Replaces the database of a connection string, for example to reach `postgres` when the target database does not
/// exist.
[[nodiscard]] std::string with_database(const std::string &url, const std::string &database);

} // namespace walbridge::pg
