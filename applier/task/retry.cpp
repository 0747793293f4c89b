// retry.cpp: classes of failures, windows, back-off.
#include "task/retry.hpp"

#include <algorithm>

namespace walbridge::task {

RetryClass classify(const Error &error) {
    switch (error.kind()) {
    case ErrorKind::authentication:
    case ErrorKind::permission: return RetryClass::never; // also when libpq gave no SQLSTATE
    case ErrorKind::connection: return RetryClass::connection;
    case ErrorKind::resource:
    case ErrorKind::slot_in_use: return RetryClass::other;
    default: break;
    }
    const auto *sql = dynamic_cast<const SqlError *>(&error);
    if (sql == nullptr) return RetryClass::never;
    switch (sql->recovery()) {
    case Recovery::reconnect:
        return sql->sqlstate().empty() || sql->sqlstate().starts_with("08") || sql->sqlstate().starts_with("57P")
                   ? RetryClass::connection
                   : RetryClass::other;
    case Recovery::retry_transaction: return RetryClass::other;
    case Recovery::stop: return RetryClass::never;
    }
    return RetryClass::never;
}

std::optional<std::chrono::milliseconds> RetryWindow::failed(RetryClass kind, Clock::time_point now) {
    if (kind == RetryClass::never) return std::nullopt;
    if (attempts_++ == 0) since_ = now;
    const auto window = kind == RetryClass::connection ? limits_.connection : limits_.other;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(since_ + window - now);
    if (left <= std::chrono::milliseconds{0}) return std::nullopt;

    // 0.5 s, 1 s, 2 s, ... 30 s, each shortened by up to a half, so that many tasks do not knock at the same instant.
    const auto full =
        std::chrono::milliseconds{std::min<std::int64_t>(30'000, std::int64_t{500} << std::min(attempts_ - 1, 6))};
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const auto pause = full / 2 + std::chrono::milliseconds{static_cast<std::int64_t>(
                                      random_ % static_cast<std::uint64_t>(full.count() / 2 + 1))};
    return std::min(pause, left);
}

void RetryWindow::succeeded() { attempts_ = 0; }

} // namespace walbridge::task
