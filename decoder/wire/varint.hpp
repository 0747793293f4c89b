// varint.hpp: writing integers of variable length, for the frame writer and for whoever lays out values before.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace walbridge::wire {

inline std::size_t encode_varint(char *out, std::uint64_t value) {
    std::size_t n = 0;
    while (value >= 0x80) {
        out[n++] = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out[n++] = static_cast<char>(value);
    return n;
}

inline std::size_t varint_bytes(std::uint64_t value) {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

inline std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

} // namespace walbridge::wire
