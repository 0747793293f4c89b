// copy_meter.hpp: what a copy sends, told to its watch: progress, stops and the throttle.
#pragma once

#include "copy/chunk_copier.hpp"

#include <algorithm>
#include <cstdint>

namespace walbridge::copy {

/// Of one transfer. count() after each row; report() whenever due() says so, and at the end.
class CopyMeter {
  public:
    CopyMeter(const CopyWatch &watch, std::size_t place) : watch_(watch), place_(place) {}

    void count(std::size_t bytes) {
        ++counts_.rows;
        counts_.bytes += bytes;
    }
    [[nodiscard]] bool due() const {
        return counts_.rows - reported_.rows >= std::min(step_rows, watch_.throttle.rows_at_once()) ||
               counts_.bytes - reported_.bytes >= std::min(step_bytes, watch_.throttle.bytes_at_once());
    }
    /// Waits for the throttle. Throws Stopped, and LetGo when others want what the chunk has locked meanwhile.
    void report() {
        const auto rows = counts_.rows - reported_.rows, bytes = counts_.bytes - reported_.bytes;
        watch_.more(place_, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(bytes));
        reported_ = counts_;
        if (watch_.stopping() || !watch_.throttle.pass({0, static_cast<std::int64_t>(rows) > 0 ? rows : 0, bytes}, [&] {
                return watch_.stopping() || watch_.throttle.wants_room();
            })) {
            if (watch_.stopping()) throw Stopped{};
            throw LetGo{};
        }
    }
    /// The rows are known better by now: in binary form header and end mark were counted too.
    void correct_rows(std::uint64_t rows) { counts_.rows = rows; }
    [[nodiscard]] const Counts &counts() const { return counts_; }

  private:
    /// Progress is told, a stop is noticed and the throttle is paid at least this often.
    static constexpr std::uint64_t step_rows = 1024, step_bytes = std::uint64_t{1} << 20;

    const CopyWatch &watch_;
    const std::size_t place_;
    Counts counts_, reported_;
};

} // namespace walbridge::copy
