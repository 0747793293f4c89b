// pipeline.hpp: prepared statements on one connection, sent one by one or in libpq's pipeline mode. Used by one thread.
#pragma once

#include "base/postgres/session.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace walbridge::target {

/// Parameters of a prepared statement as libpq takes them. Borrowed bytes must live until the statement was sent.
class Bindings {
  public:
    void add_null();
    void add_text(std::string text);     ///< kept
    void add_binary(std::string bytes);  ///< kept
    void borrow(std::string_view bytes); ///< in binary form

    [[nodiscard]] int count() const { return static_cast<int>(entries_.size()); }

  private:
    friend class StatementPipeline;
    struct Entry {
        const char *data;
        std::size_t length;
        bool binary;
        std::optional<std::size_t> kept; ///< index into kept_, resolved when sent
    };
    void resolve(std::vector<const char *> &values, std::vector<int> &lengths, std::vector<int> &formats) const;
    std::vector<Entry> entries_;
    std::vector<std::string> kept_;
};

class StatementPipeline {
  public:
    explicit StatementPipeline(pg::Session &session) : session_(session) {}

    /// BEGIN travels in front of the next statement, whichever way that goes.
    void begin() { begin_pending_ = true; }
    /// Sends a BEGIN that is still due, for statements that do not go through here. Outside pipeline mode.
    void begin_now();
    /// Before a rollback: a BEGIN that is still due is forgotten, what was sent is answered. Throws like finish().
    void abandon();

    /// Sends a statement into the pipeline (entering pipeline mode when needed). `expected`: rows it must hit; nullopt
    /// = any. Statements that stand in `sql` for the first time are prepared on the way.
    void send(const std::string &sql, const Bindings &bindings, std::optional<long long> expected);
    /// Like send() for statements without parameters that are not worth preparing (SAVEPOINT, COMMIT).
    void send_plain(const char *sql);
    /// Runs a COPY … FROM STDIN behind what was sent, for which it leaves pipeline mode; `next` gives the data piece by
    /// piece, empty at its end. Nothing is sent when an earlier statement has deviated.
    void copy_in(const std::string &sql, const std::function<std::string_view()> &next, long long expected);
    /// Sends a synchronisation point, reads every answer and leaves pipeline mode. False when a statement failed or hit
    /// another number of rows than expected (problem() says which); throws SqlError when the connection broke or a
    /// retry is called for.
    bool finish();
    /// Text of the first deviation since the last finish(), and its SQLSTATE (empty = a row count).
    [[nodiscard]] const std::string &problem() const { return problem_; }
    /// SQL of the statement it came from.
    [[nodiscard]] const std::string &problem_statement() const { return problem_statement_; }
    /// Last row set that came with a statement, by the order of sending; used for the commit's positions.
    [[nodiscard]] const std::vector<pg::Result> &row_sets() const { return row_sets_; }

    /// Lets every prepared statement go. Not while statements are on their way.
    void forget_statements();

    /// Runs one prepared statement outside pipeline mode. The raw result: success or error, for the caller to judge.
    pg::Result run(const std::string &sql, const Bindings &bindings);

  private:
    struct Expectation {
        std::string prepared; ///< name of the statement when this answer belongs to its preparation
        std::optional<long long> rows;
        std::string sql;
    };
    std::string name_of(const std::string &sql, bool &known);
    void enter();
    void post(const char *sql);
    void open();
    void settle();
    void judge(const pg::Result &result, const std::string &sql);
    void note(const std::string &sql, std::string problem);
    void drain_some();
    void read_answer();

    pg::Session &session_;
    std::unordered_map<std::string, std::string> names_; ///< SQL text to prepared name
    std::vector<Expectation> sent_;
    std::size_t answered_ = 0;
    std::uint64_t next_name_ = 0;
    std::string problem_, problem_statement_;
    bool begin_pending_ = false;
    bool open_ = false;   ///< something was sent since the last finish()
    bool failed_ = false; ///< the first deviation is in problem_; what follows until finish() is not worth sending
    std::vector<pg::Result> row_sets_;
    std::exception_ptr retry_;
};

} // namespace walbridge::target
