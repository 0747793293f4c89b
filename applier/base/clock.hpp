// clock.hpp: this machine's wall clock in the unit and epoch that PostgreSQL's protocol and timestamps use.
#pragma once

#include <chrono>
#include <cstdint>

namespace walbridge {

/// Microseconds since 2000-01-01 00:00 UTC by this machine's clock. Thread-safe.
[[nodiscard]] inline std::int64_t now_since_2000() {
    constexpr std::int64_t unix_to_2000 = 946'684'800'000'000;
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count() - unix_to_2000;
}

} // namespace walbridge
