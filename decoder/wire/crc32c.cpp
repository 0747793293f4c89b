// crc32c.cpp: one implementation by tables, one by the instructions of x86-64 or arm64, chosen once at start.
#include "wire/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#endif

namespace walbridge::wire {

namespace {

// Eight tables: entry n of table k is the CRC of byte n followed by k zero bytes, so eight bytes go in one step.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < tables.size(); ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xff];
    return tables;
}

constexpr Tables tables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t extend_by_instruction(std::uint32_t crc, std::string_view bytes) {
    const char *at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t state = static_cast<std::uint32_t>(~crc);
    for (std::uint64_t word; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        std::memcpy(&word, at, sizeof word);
        state = _mm_crc32_u64(state, word);
    }
    auto last = static_cast<std::uint32_t>(state);
    for (; left > 0; ++at, --left) last = _mm_crc32_u8(last, static_cast<std::uint8_t>(*at));
    return ~last;
}
bool has_instruction() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
}
#elif defined(__aarch64__)
__attribute__((target("+crc"))) std::uint32_t extend_by_instruction(std::uint32_t crc, std::string_view bytes) {
    const char *at = bytes.data();
    std::size_t left = bytes.size();
    std::uint32_t state = ~crc;
    for (std::uint64_t word; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        std::memcpy(&word, at, sizeof word);
        state = __crc32cd(state, word);
    }
    for (; left > 0; ++at, --left) state = __crc32cb(state, static_cast<std::uint8_t>(*at));
    return ~state;
}
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
#else
std::uint32_t extend_by_instruction(std::uint32_t crc, std::string_view bytes) {
    return extend_crc_by_table(crc, bytes);
}
bool has_instruction() { return false; }
#endif

const auto extend = has_instruction() ? &extend_by_instruction : &extend_crc_by_table;

} // namespace

std::uint32_t extend_crc(std::uint32_t crc, std::string_view bytes) { return extend(crc, bytes); }

std::uint32_t extend_crc_by_table(std::uint32_t crc, std::string_view bytes) {
    const auto byte = [&](std::size_t n) { return static_cast<std::uint8_t>(bytes[n]); };
    std::uint32_t state = ~crc;
    while (bytes.size() >= 8) {
        state ^= static_cast<std::uint32_t>(byte(0)) | static_cast<std::uint32_t>(byte(1)) << 8 |
                 static_cast<std::uint32_t>(byte(2)) << 16 | static_cast<std::uint32_t>(byte(3)) << 24;
        state = tables[7][state & 0xff] ^ tables[6][(state >> 8) & 0xff] ^ tables[5][(state >> 16) & 0xff] ^
                tables[4][state >> 24] ^ tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^
                tables[0][byte(7)];
        bytes.remove_prefix(8);
    }
    for (std::size_t n = 0; n < bytes.size(); ++n) state = (state >> 8) ^ tables[0][(state ^ byte(n)) & 0xff];
    return ~state;
}

} // namespace walbridge::wire
