// numeric.cpp: between base 10000, in which the server counts, and one integer.
#include "wire/numeric.hpp"

#include <algorithm>
#include <array>

namespace walbridge::wire {

namespace {

constexpr std::uint64_t base = 10000;

constexpr auto powers_of_ten = [] {
    std::array<std::uint64_t, 19> powers{};
    std::uint64_t power = 1;
    for (std::uint64_t &entry : powers) {
        entry = power;
        power *= 10;
    }
    return powers;
}();

char *put_int16(char *out, std::uint64_t value) {
    *out++ = static_cast<char>(value >> 8);
    *out++ = static_cast<char>(value);
    return out;
}

} // namespace

std::optional<ScaledNumber> scale_number(std::span<const std::int16_t> digits, int weight, bool negative,
                                         std::uint32_t scale) {
    constexpr auto most = static_cast<std::uint64_t>(most_units);
    if (scale > longest_scale) return std::nullopt;
    std::uint64_t units = 0;
    for (const std::int16_t digit : digits) {
        if (digit < 0 || static_cast<std::uint64_t>(digit) >= base || units > most / base) return std::nullopt;
        units = units * base + static_cast<std::uint64_t>(digit);
    }
    if (units > most) return std::nullopt;
    if (units != 0) {
        // Decimal places between the last stored digit's unit and the last shown one.
        const long shift = 4L * (static_cast<long>(weight) - static_cast<long>(digits.size()) + 1) + scale;
        if (shift > 18 || shift < -18) return std::nullopt;
        if (shift >= 0) {
            const std::uint64_t factor = powers_of_ten[static_cast<std::size_t>(shift)];
            if (units > most / factor) return std::nullopt;
            units *= factor;
        } else {
            const std::uint64_t factor = powers_of_ten[static_cast<std::size_t>(-shift)];
            if (units % factor != 0) return std::nullopt;
            units /= factor;
        }
    }
    const auto value = static_cast<std::int64_t>(units);
    return ScaledNumber{negative ? -value : value, scale};
}

std::size_t expand_numeric(const ScaledNumber &number, char *out) {
    const bool negative = number.units < 0;
    const std::uint64_t units =
        negative ? 0 - static_cast<std::uint64_t>(number.units) : static_cast<std::uint64_t>(number.units);
    const std::uint64_t unit = powers_of_ten[number.scale];
    const unsigned fraction_groups = (number.scale + 3) / 4;
    std::uint64_t whole = units / unit;
    std::uint64_t fraction = units % unit * powers_of_ten[4 * fraction_groups - number.scale];

    // Digits in base 10000 around the point, then without the zeros at both ends.
    constexpr unsigned whole_groups = 5;
    std::uint64_t groups[whole_groups + (longest_scale + 3) / 4];
    for (unsigned n = whole_groups; n > 0; whole /= base) groups[--n] = whole % base;
    for (unsigned n = fraction_groups; n > 0; fraction /= base) groups[whole_groups + --n] = fraction % base;
    unsigned first = 0;
    unsigned end = whole_groups + fraction_groups;
    while (first < end && groups[first] == 0) ++first;
    while (end > first && groups[end - 1] == 0) --end;
    const bool zero = first == end;
    const int weight = zero ? 0 : static_cast<int>(whole_groups) - 1 - static_cast<int>(first);

    char *at = put_int16(out, end - first);
    at = put_int16(at, static_cast<std::uint64_t>(weight));
    at = put_int16(at, negative && !zero ? 0x4000 : 0);
    at = put_int16(at, number.scale);
    for (unsigned n = first; n < end; ++n) at = put_int16(at, groups[n]);
    return static_cast<std::size_t>(at - out);
}

} // namespace walbridge::wire
