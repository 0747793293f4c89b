// retry_window.cpp: which errors are worth a retry, and how long the pauses are.
#include "source/retry_window.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace walbridge::source {

bool transient(const Error &error) {
    const auto *sql = dynamic_cast<const SqlError *>(&error);
    if (sql == nullptr) return error.kind() == ErrorKind::connection;
    if (error.kind() == ErrorKind::authentication || error.kind() == ErrorKind::permission) return false;
    return sql->recovery() != Recovery::stop;
}

bool RetryWindow::again(const Error &error, std::string_view what) {
    if (stop_.requested()) return false;
    if (!transient(error)) throw;
    const auto now = std::chrono::steady_clock::now();
    if (!since_) {
        since_ = now;
        pause_ = std::chrono::milliseconds(250);
    }
    const auto window = error.kind() == ErrorKind::connection ? retry_.connection : retry_.other;
    if (now - *since_ > window) {
        log::error("giving up: the retry window is over",
                   {{"what", what}, {"minutes", window.count()}, {"reason", error.what()}});
        throw;
    }
    log::warning("trying again", {{"what", what}, {"in_ms", pause_.count()}, {"reason", error.what()}});
    const bool stopped = stop_.wait_for(pause_);
    pause_ = std::min(pause_ * 2, std::chrono::milliseconds(std::chrono::seconds(30)));
    return !stopped;
}

} // namespace walbridge::source
