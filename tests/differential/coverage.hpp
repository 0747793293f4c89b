// coverage.hpp: what the cases have reached. A generator that stops producing something fails the run, because a test
// that tests nothing passes always.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace walbridge::differential {

/// Counts by name; used by several threads.
class Coverage {
  public:
    void add(const std::string &what, std::uint64_t count = 1) {
        const std::lock_guard lock(mutex_);
        counts_[what] += count;
    }

    /// Names that had to be reached and were not.
    [[nodiscard]] std::vector<std::string> missing() const;
    /// The bulk path gave up too often where nothing was wrong: its results are right then, and nothing but slow.
    [[nodiscard]] std::string too_often() const;
    [[nodiscard]] std::string describe() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> counts_;
};

} // namespace walbridge::differential
