// session.hpp: one connection to MySQL or MariaDB: connecting with fixed settings, statements, results, errors.
// A Session belongs to one thread at a time; cancel() alone may be called from another.
//
// Everything travels as text, values as literals inside the statement: one exchange per statement whichever server it
// is, values in the server's own text form, and several statements in one packet. The session's sql_mode has
// NO_BACKSLASH_ESCAPES, so that literals are safe by one rule (literal.hpp).
#pragma once

#include "base/mysql/endpoint.hpp"
#include "base/mysql/failure.hpp"
#include "base/mysql/literal.hpp"
#include "base/sql/session.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <mysql.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walbridge::my {

struct Delete {
    void operator()(MYSQL *connection) const noexcept { mysql_close(connection); }
    void operator()(MYSQL_RES *result) const noexcept { mysql_free_result(result); }
};

struct ConnectOptions {
    std::string application_name; ///< shown by the server as the connection attribute program_name
    /// Settings applied with SET SESSION after the session's own; the values as they stand in SQL ("0", "'UTC'").
    std::vector<std::pair<std::string, std::string>> settings;
};

/// What a statement without rows did.
struct Outcome {
    long long affected = 0; ///< rows found by it, whether or not their values differ from the old
    unsigned warnings = 0;
    std::string info; ///< the server's words: "Records: 3  Duplicates: 0  Warnings: 0"
};

struct Warning {
    unsigned number = 0;
    std::string level, message;
};

/// Rows of one statement. Views are valid as long as the Result lives.
class Result {
  public:
    explicit Result(MYSQL_RES *result);
    [[nodiscard]] int rows() const { return static_cast<int>(cells_.size() / std::max<std::size_t>(columns_, 1)); }
    [[nodiscard]] int columns() const { return static_cast<int>(columns_); }
    [[nodiscard]] bool null(int row, int column) const { return cell(row, column).data() == nullptr; }
    /// Empty for NULL.
    [[nodiscard]] std::string_view get(int row, int column) const { return cell(row, column); }
    [[nodiscard]] std::string text(int row, int column) const { return std::string(get(row, column)); }
    [[nodiscard]] bool flag(int row, int column) const { return get(row, column) == "1"; }
    /// An integer; throws Error(internal) on anything else.
    [[nodiscard]] long long number(int row, int column) const;

  private:
    [[nodiscard]] std::string_view cell(int row, int column) const {
        return cells_.at(static_cast<std::size_t>(row) * columns_ + static_cast<std::size_t>(column));
    }
    std::unique_ptr<MYSQL_RES, Delete> result_;
    std::size_t columns_ = 0;
    std::vector<std::string_view> cells_;
};

/// Connects, or throws SqlError (connection, authentication, permission) that names the server, never the password.
class Session final : public sql::Session {
  public:
    Session(const Endpoint &endpoint, const ConnectOptions &options);
    Session(Session &&) noexcept;
    Session &operator=(Session &&) noexcept;
    ~Session() override;

    [[nodiscard]] sql::Dialect dialect() const override { return sql::Dialect::mysql; }
    sql::Rows ask(const sql::Statement &statement, const std::vector<sql::Parameter> &parameters = {}) override;
    [[nodiscard]] bool in_transaction() const override;
    void rollback_quietly() noexcept override;
    void cancel() noexcept override;

    /// Runs one or more statements; rows that they return are dropped. What the last one did. Throws SqlError; then the
    /// statements behind the refused one were not executed.
    Outcome execute(std::string_view sql);
    /// The same; what each did, in order. A statement with rows counts them.
    std::vector<Outcome> execute_all(std::string_view sql);
    /// Sends statements without waiting for what they do: finish() has to follow, and nothing else. Throws SqlError.
    void start(std::string_view sql);
    /// What execute_all() would have returned for the statements of start().
    std::vector<Outcome> finish();
    /// The rows of one statement. Throws SqlError.
    Result query(std::string_view sql);
    /// The first value of the first row; nullopt when there is no row or it is NULL.
    std::optional<std::string> value(std::string_view sql);
    /// What the last statement warned of.
    std::vector<Warning> warnings();

    /// Runs LOAD DATA LOCAL INFILE ...; the file's bytes come from `next` (an empty view ends it), whatever name the
    /// statement has. No other statement is ever given bytes: a server that asks for a file of this machine gets none.
    /// What `next` throws is thrown here; the server has taken it for the end of the file, so that the caller must roll
    /// the transaction back. Throws SqlError.
    Outcome load(std::string_view statement, const std::function<std::string_view()> &next);

    [[nodiscard]] const Endpoint &endpoint() const;
    [[nodiscard]] ServerVersion version() const;
    [[nodiscard]] bool mariadb() const { return version().flavour == Flavour::mariadb; }
    /// The server's number of the session, as in KILL and information_schema.processlist.
    [[nodiscard]] unsigned long long thread_id() const;
    /// The largest packet, and so the largest statement, that the server takes, in bytes.
    [[nodiscard]] std::size_t max_allowed_packet() const;
    /// False: a statement has found the connection broken; only the destructor makes sense.
    [[nodiscard]] bool usable() const override;
    [[nodiscard]] bool encrypted() const;

  private:
    struct State;
    void send(std::string_view sql);
    void refuse_broken(std::string_view sql) const;
    Outcome read_outcome();
    std::vector<Outcome> read_outcomes(std::string_view sql);
    [[noreturn]] void raise(std::string_view statement);
    void drain() noexcept;
    std::unique_ptr<State> state_;
};

/// Ends another session of the server; true when there was one. Throws SqlError (permission).
bool kill(Session &session, unsigned long long thread_id);

} // namespace walbridge::my
