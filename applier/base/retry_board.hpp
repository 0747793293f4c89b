// retry_board.hpp: who is retrying what at the moment, for the status. Those who retry note it, the reporter reads.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace walbridge {

/// Thread-safe.
class RetryBoard {
  public:
    using Clock = std::chrono::system_clock;

    struct Entry {
        int attempts = 0;
        Clock::time_point since, next; ///< of the first failure, of the next attempt
        std::string reason;
    };

    /// `who` is any address of the one who retries.
    void note(const void *who, Entry entry) {
        const std::lock_guard lock(mutex_);
        entries_.insert_or_assign(who, std::move(entry));
    }
    void clear(const void *who) {
        const std::lock_guard lock(mutex_);
        entries_.erase(who);
    }
    /// The one that has been retrying for the longest time.
    [[nodiscard]] std::optional<Entry> oldest() const {
        const std::lock_guard lock(mutex_);
        std::optional<Entry> oldest;
        for (const auto &[who, entry] : entries_)
            if (!oldest || entry.since < oldest->since) oldest = entry;
        return oldest;
    }

  private:
    mutable std::mutex mutex_;
    std::map<const void *, Entry> entries_;
};

} // namespace walbridge
