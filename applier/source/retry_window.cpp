// retry_window.cpp: see retry_window.hpp.
#include "source/retry_window.hpp"

#include "base/log.hpp"

#include <fmt/format.h>
#include <random>

namespace walbridge::source {

RetryWindow::RetryWindow(const TaskConfig::Retry &retry, const StopToken &stop, RetryBoard *board)
    : stop_(stop), board_(board), backoff_(retry, std::random_device{}()) {}

bool RetryWindow::again(const Error &error, std::string_view what) {
    if (stop_.requested()) return false;
    const auto kind = classify(error);
    if (kind == RetryClass::never) throw;
    const auto now = RetryBackoff::Clock::now();
    const auto pause = backoff_.failed(kind, now);
    if (!pause) {
        log::error("giving up: the retry window is over",
                   {{"what", what}, {"attempts", backoff_.attempts()}, {"reason", error.what()}});
        throw;
    }
    log::warning(
        "trying again",
        {{"what", what}, {"attempt", backoff_.attempts()}, {"in_ms", pause->count()}, {"reason", error.what()}});
    if (board_ != nullptr) {
        const auto wall = RetryBoard::Clock::now();
        const auto failing_for = std::chrono::duration_cast<RetryBoard::Clock::duration>(now - backoff_.since());
        board_->note(this, {backoff_.attempts(), wall - failing_for, wall + *pause,
                            fmt::format("{}: {}: {}", what, error.object(), error.reason())});
    }
    return !stop_.wait_for(*pause);
}

void RetryWindow::succeeded() {
    if (backoff_.attempts() == 0) return;
    backoff_.succeeded();
    if (board_ != nullptr) board_->clear(this);
}

} // namespace walbridge::source
