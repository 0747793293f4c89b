// lsn.cpp: text form of log sequence numbers.
#include "base/lsn.hpp"

#include <charconv>
#include <fmt/format.h>

namespace walbridge {

std::string to_string(Lsn lsn) { return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xFFFFFFFFu); }

std::optional<Lsn> parse_lsn(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto half = [](std::string_view part) -> std::optional<std::uint64_t> {
        std::uint64_t number = 0;
        if (part.empty() || part.size() > 8) return std::nullopt;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number, 16);
        if (error != std::errc{} || end != part.data() + part.size()) return std::nullopt;
        return number;
    };
    const auto high = half(text.substr(0, slash));
    const auto low = half(text.substr(slash + 1));
    if (!high || !low) return std::nullopt;
    return Lsn{(*high << 32) | *low};
}

} // namespace walbridge
