// numeric.hpp: the short form of numeric values on the wire. Most are a whole number below 10^18 behind a decimal
// point: that number as a varint takes half of what the send function gives, which spends eight bytes before the first
// digit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace walbridge::wire {

// A finite numeric value: units / 10^scale, with scale digits shown behind the point.
struct ScaledNumber {
    std::int64_t units = 0;
    std::uint32_t scale = 0;
};

inline constexpr std::uint32_t longest_scale = 16;
inline constexpr std::int64_t most_units = 999'999'999'999'999'999;
// Room that expand_numeric() needs.
inline constexpr std::size_t longest_expanded_numeric = 32;

// From the digits in base 10000 that the server stores; the first counts 10000^weight. Nothing when the value is too
// long for the short form or shows fewer digits than it has.
std::optional<ScaledNumber> scale_number(std::span<const std::int16_t> digits, int weight, bool negative,
                                         std::uint32_t scale);

// What numeric_send gives for the value: the number of bytes written to out. units within most_units, scale within
// longest_scale.
std::size_t expand_numeric(const ScaledNumber &number, char *out);

} // namespace walbridge::wire
