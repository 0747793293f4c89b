// retry_policy.cpp: classes of failures, windows, back-off.
#include "source/retry_policy.hpp"

#include <algorithm>

namespace walbridge::source {

// Every kind by name: a new one is a compile error until somebody has decided.
RetryClass class_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::connection: return RetryClass::connection;
    case ErrorKind::resource:
    case ErrorKind::slot_in_use: return RetryClass::other;
    case ErrorKind::internal:
    case ErrorKind::usage:
    case ErrorKind::configuration:
    case ErrorKind::precheck:
    case ErrorKind::authentication:
    case ErrorKind::permission:
    case ErrorKind::slot_missing:
    case ErrorKind::slot_recreated:
    case ErrorKind::slot_advanced:
    case ErrorKind::source_replaced:
    case ErrorKind::source_restored:
    case ErrorKind::database_replaced:
    case ErrorKind::fenced:
    case ErrorKind::slot_lost:
    case ErrorKind::slot_limit:
    case ErrorKind::protocol:
    case ErrorKind::stream_gap:
    case ErrorKind::conflict:
    case ErrorKind::loop:
    case ErrorKind::rule:
    case ErrorKind::unidentified:
    case ErrorKind::target_shape:
    case ErrorKind::target_data:
    case ErrorKind::schema_stage:
    case ErrorKind::copy_stage:
    case ErrorKind::plugin:
    case ErrorKind::ddl:
    case ErrorKind::schema_differs:
    case ErrorKind::data_differs:
    case ErrorKind::task_state:
    case ErrorKind::timeout:
    case ErrorKind::switchover_refused:
    case ErrorKind::switchover_open: return RetryClass::never;
    }
    return RetryClass::never;
}

RetryClass classify(const Error &error) {
    // A refused login has no SQLSTATE to look at.
    if (error.kind() == ErrorKind::authentication || error.kind() == ErrorKind::permission) return RetryClass::never;
    if (const auto by_kind = class_of(error.kind()); by_kind != RetryClass::never) return by_kind;
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

std::optional<std::chrono::milliseconds> RetryBackoff::failed(RetryClass kind, Clock::time_point now) {
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

void RetryBackoff::succeeded() { attempts_ = 0; }

} // namespace walbridge::source
