// clock.hpp: how far a server's clock is ahead of this host's [C-07]. Where commit times decide conflicts, a clock that
// runs ahead wins every one of them.
#pragma once

#include "base/sql/session.hpp"
#include "task/live.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace walbridge::task {

struct ClockReading {
    std::int64_t offset_us = 0;     ///< of the server, ahead of this host
    std::int64_t round_trip_us = 0; ///< the offset is wrong by half of it at most
};

/// Of several questions the one that was answered fastest. Not inside a transaction with a statement timeout of its
/// own.
[[nodiscard]] ClockReading read_clock(sql::Session &session);

/// Both servers against each other. Throws SqlError.
[[nodiscard]] Live::Clocks compare_clocks(const ClockReading &source, const ClockReading &target);

/// Whether the servers' clocks are certainly further apart than `limit`.
[[nodiscard]] bool beyond(const Live::Clocks &clocks, std::chrono::milliseconds limit);

/// "the target's clock is 1.234 s ahead of the source's (± 0.001 s)".
[[nodiscard]] std::string describe(const Live::Clocks &clocks);

} // namespace walbridge::task
