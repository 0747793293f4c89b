// clock.cpp: see clock.hpp.
#include "task/clock.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <optional>

namespace walbridge::task {
namespace {

constexpr int samples = 7;

std::int64_t micros(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

} // namespace

ClockReading read_clock(sql::Session &session) {
    std::optional<ClockReading> best;
    for (int sample = 0; sample < samples; ++sample) {
        const auto asked = std::chrono::system_clock::now();
        const auto steady = std::chrono::steady_clock::now(); // a clock that is set in between spoils no round trip
        const auto there = session.ask(
            {"SELECT (extract(epoch FROM pg_catalog.clock_timestamp())::numeric * 1000000)::pg_catalog.int8",
             "SELECT timestampdiff(MICROSECOND, '1970-01-01', utc_timestamp(6))"});
        const auto trip =
            std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - steady).count();
        const ClockReading reading{there.number(0, 0) - micros(asked) - trip / 2, trip};
        if (!best || reading.round_trip_us < best->round_trip_us) best = reading;
    }
    return *best;
}

Live::Clocks compare_clocks(const ClockReading &source, const ClockReading &target) {
    Live::Clocks clocks;
    clocks.source_us = source.offset_us;
    clocks.target_us = target.offset_us;
    clocks.uncertainty_us = (source.round_trip_us + target.round_trip_us + 1) / 2;
    clocks.measured_at = micros(std::chrono::system_clock::now()) / 1'000'000;
    return clocks;
}

bool beyond(const Live::Clocks &clocks, std::chrono::milliseconds limit) {
    const auto difference = clocks.difference_us();
    return difference && std::abs(*difference) - clocks.uncertainty_us > limit.count() * 1000;
}

std::string describe(const Live::Clocks &clocks) {
    const auto difference = clocks.difference_us();
    if (!difference) return "the clocks were not compared";
    const auto seconds = [](std::int64_t micros) { return static_cast<double>(micros) / 1e6; };
    if (std::abs(*difference) <= clocks.uncertainty_us)
        return fmt::format("the clocks of source and target agree (± {:.3f} s)", seconds(clocks.uncertainty_us));
    return fmt::format("the target's clock is {:.3f} s {} the source's (± {:.3f} s)", seconds(std::abs(*difference)),
                       *difference > 0 ? "ahead of" : "behind", seconds(clocks.uncertainty_us));
}

} // namespace walbridge::task
