// sql/session.hpp: what the task's own state asks of a database, whichever it is: statements in two dialects, rows as
// text. The rows of users never come through here; their sessions are pg::Session and my::Session themselves.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walbridge::sql {

enum class Dialect { postgres, mysql };

/// One statement in each dialect. Its texts are literals, or outlive the call. Parameters are $1, $2 ... in both (a
/// MySQL session numbers them in their order); they are text, and the server converts them where they are used.
class Statement {
  public:
    /// Both databases understand it.
    Statement(const char *both) : postgres_(both), mysql_(both) {}
    Statement(const std::string &both) : postgres_(both), mysql_(both) {}
    Statement(std::string_view postgres, std::string_view mysql) : postgres_(postgres), mysql_(mysql) {}

    [[nodiscard]] std::string_view in(Dialect dialect) const {
        return dialect == Dialect::postgres ? postgres_ : mysql_;
    }

  private:
    std::string_view postgres_, mysql_;
};

using Parameter = std::optional<std::string>; ///< nullopt = NULL

/// Rows in text form, or the count of a statement that returns none. Owns everything.
class Rows {
  public:
    using Cell = std::optional<std::string>;
    Rows(std::vector<std::vector<Cell>> cells, long long affected) : cells_(std::move(cells)), affected_(affected) {}

    [[nodiscard]] int rows() const { return static_cast<int>(cells_.size()); }
    [[nodiscard]] bool null(int row, int column) const { return !cell(row, column).has_value(); }
    /// Empty for NULL.
    [[nodiscard]] std::string text(int row, int column) const { return cell(row, column).value_or(""); }
    [[nodiscard]] const Cell &cell(int row, int column) const {
        return cells_.at(static_cast<std::size_t>(row)).at(static_cast<std::size_t>(column));
    }
    /// A boolean: t and 1 are true.
    [[nodiscard]] bool flag(int row, int column) const {
        const auto &value = cell(row, column);
        return value == "t" || value == "1";
    }
    /// An integer; throws Error(internal) on anything else.
    [[nodiscard]] long long number(int row, int column) const;
    /// Rows changed by INSERT, UPDATE, DELETE: those that were found, whether or not their values differ from the old.
    [[nodiscard]] long long affected() const { return affected_; }

  private:
    std::vector<std::vector<Cell>> cells_;
    long long affected_;
};

/// A connection that belongs to one thread at a time.
class Session {
  public:
    Session() = default;
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    virtual ~Session() = default;

    [[nodiscard]] virtual Dialect dialect() const = 0;
    /// One statement. Throws SqlError.
    virtual Rows ask(const Statement &statement, const std::vector<Parameter> &parameters = {}) = 0;
    /// The first value of the first row; nullopt when there is no row or it is NULL.
    std::optional<std::string> ask_value(const Statement &statement, const std::vector<Parameter> &parameters = {});
    [[nodiscard]] virtual bool in_transaction() const = 0;
    /// Rolls back what is open; never throws (the connection may be gone).
    virtual void rollback_quietly() noexcept = 0;
    /// False: the connection was found broken; only the destructor makes sense.
    [[nodiscard]] virtual bool usable() const = 0;
    /// Asks the server to cancel the running statement. Callable from any thread; best effort.
    virtual void cancel() noexcept = 0;

  protected:
    Session(Session &&) = default;
    Session &operator=(Session &&) = default;
};

/// Runs `body` in a transaction of its own; rolls back when it throws.
template <class Body> void in_transaction(Session &session, Body body) {
    session.ask("BEGIN");
    try {
        body();
        session.ask("COMMIT");
    } catch (...) {
        session.rollback_quietly();
        throw;
    }
}

} // namespace walbridge::sql
