// batch.hpp: statements that are queued, sent several in a packet and proven by their row counts. While the server
// works on one packet the next one is being written. One thread, one session.
#pragma once

#include "base/mysql/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::target::mysql {

/// Bytes that a statement may have.
[[nodiscard]] std::size_t largest_statement(const my::Session &session);
/// A longer statement is an Error of that kind about `object` that names the setting: some servers end the connection
/// without a word.
void refuse_long_statement(const my::Session &session, std::size_t bytes, ErrorKind kind, const std::string &object);

class StatementBatch {
  public:
    explicit StatementBatch(my::Session &session);

    /// Queues a statement that has to hit (UPDATE, DELETE, INSERT) or find (SELECT) that many rows; nullopt = any
    /// number. Sends what is queued when it fills a packet. A statement longer than the server takes is
    /// Error(target_data) with `row` in it. Throws what a retry or an operator must see: nothing may follow then but
    /// abandon().
    void add(std::string_view sql, std::optional<long long> rows, const std::string &row = {});
    /// A statement longer than the server takes is Error(target_data) about `row`.
    void check_length(std::string_view sql, const std::string &row) const;

    /// From now on a statement that hits another number of rows is an error on the server, so that nothing behind it is
    /// executed. Until finish() or abandon().
    void prove_on_server() { proving_ = true; }

    /// Sends what is left and waits for every answer. False: a statement was refused or a count was another; problem()
    /// says why, and what was queued behind it was not executed, or its effect does not matter. Throws like add().
    bool finish();
    /// Reads what is under way and forgets what is queued; never throws (the connection may be gone).
    void abandon() noexcept;

    [[nodiscard]] bool empty() const { return packet_.empty() && !in_flight_; }
    [[nodiscard]] const std::string &problem() const { return problem_; }
    /// Bytes that one statement may have.
    [[nodiscard]] std::size_t largest_statement() const { return largest_statement_; }

  private:
    struct Expected {
        std::optional<long long> rows;
        std::string beginning; ///< of the statement, for the problem
    };
    void send();
    void receive();

    my::Session &session_;
    std::size_t largest_statement_;
    std::string packet_, sent_;
    std::vector<Expected> queued_, awaited_;
    std::string problem_;
    bool in_flight_ = false, failed_ = false, proving_ = false;
};

} // namespace walbridge::target::mysql
