// batch.cpp: filling packets, comparing counts.
#include "target/mysql/batch.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace walbridge::target::mysql {
namespace {

/// A packet beyond this brings nothing more: the server works on one while the next is being written.
constexpr std::size_t usual_packet = std::size_t{256} << 10;
/// What the protocol adds to a statement, amply.
constexpr std::size_t packet_overhead = 1024;
constexpr std::size_t shown_of_statement = 120;

/// Follows a statement; e to the power of 1000 is an error, that to the power of 0 is not. (DO would swallow it.)
std::string proof(long long rows) { return fmt::format("SELECT EXP(IF(ROW_COUNT() = {}, 0, 1000))", rows); }

} // namespace

std::size_t largest_statement(const my::Session &session) { return session.max_allowed_packet() - packet_overhead; }

void refuse_long_statement(const my::Session &session, std::size_t bytes, ErrorKind kind, const std::string &object) {
    constexpr std::size_t mebibyte = 1048576, largest = std::size_t{1} << 30;
    if (bytes <= largest_statement(session)) return;
    throw Error(kind, object,
                fmt::format("it needs a statement of {} bytes, and max_allowed_packet of the target is {}", bytes,
                            session.max_allowed_packet()),
                bytes + mebibyte > largest
                    ? std::string("The server takes at most 1 GiB: shorten the value, or leave the table out.")
                    : fmt::format("SET GLOBAL max_allowed_packet = {} on the target, and in its configuration, then "
                                  "resume.",
                                  (bytes / mebibyte + 2) * mebibyte));
}

StatementBatch::StatementBatch(my::Session &session)
    : session_(session), largest_statement_(mysql::largest_statement(session)) {}

void StatementBatch::check_length(std::string_view sql, const std::string &row) const {
    refuse_long_statement(session_, sql.size(), ErrorKind::target_data,
                          row.empty() ? std::string("target statement") : row);
}

void StatementBatch::add(std::string_view sql, std::optional<long long> rows, const std::string &row) {
    if (failed_) return;
    check_length(sql, row);
    const auto limit = std::min(usual_packet, largest_statement_);
    if (!packet_.empty() && packet_.size() + sql.size() > limit) send();
    if (!packet_.empty()) packet_ += ';';
    // A SELECT is counted by its rows, which is all that the protocol says of it.
    if (proving_ && rows && sql.starts_with("SELECT")) {
        packet_ += fmt::format("SELECT EXP(IF((SELECT COUNT(*) FROM ({}) AS found) = {}, 0, 1000))", sql, *rows);
        queued_.push_back({1, {}});
        return;
    }
    packet_ += sql;
    queued_.push_back({rows, std::string(sql.substr(0, shown_of_statement))});
    if (!proving_ || !rows) return;
    packet_ += ';';
    packet_ += proof(*rows);
    queued_.push_back({1, {}});
}

void StatementBatch::send() {
    receive();
    if (failed_ || packet_.empty()) {
        packet_.clear();
        queued_.clear();
        return;
    }
    std::swap(packet_, sent_);
    packet_.clear();
    awaited_ = std::exchange(queued_, {});
    session_.start(sent_);
    in_flight_ = true;
}

void StatementBatch::receive() {
    if (!std::exchange(in_flight_, false)) return;
    try {
        const auto outcomes = session_.finish();
        for (std::size_t at = 0; at < awaited_.size() && !failed_; ++at) {
            const auto &expected = awaited_[at];
            const auto affected = at < outcomes.size() ? outcomes[at].affected : -1;
            if (!expected.rows || *expected.rows == affected) continue;
            failed_ = true;
            problem_ = fmt::format("{} rows instead of {}: {}", affected, *expected.rows, expected.beginning);
        }
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::stop) throw;
        failed_ = true;
        problem_ = error.reason();
    }
}

bool StatementBatch::finish() {
    try {
        send();
        receive();
    } catch (...) {
        abandon();
        throw;
    }
    proving_ = false;
    return !std::exchange(failed_, false);
}

void StatementBatch::abandon() noexcept {
    try {
        receive();
    } catch (const std::exception &) { // what it says is of a transaction that is given up
    }
    packet_.clear();
    queued_.clear();
    awaited_.clear();
    failed_ = proving_ = in_flight_ = false;
}

} // namespace walbridge::target::mysql
