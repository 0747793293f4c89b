// lsn.hpp: a position in a PostgreSQL write-ahead log, as a type of its own so that positions never meet counts.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge {

/// A log sequence number: a byte offset in the source's (or target's) WAL. Zero means "none".
struct Lsn {
    std::uint64_t value = 0;

    constexpr auto operator<=>(const Lsn &) const = default;
    [[nodiscard]] constexpr bool valid() const { return value != 0; }
};

/// PostgreSQL's text form, for example `16/B374D848`.
[[nodiscard]] std::string to_string(Lsn lsn);

/// Reads PostgreSQL's text form; nullopt when the text is anything else.
[[nodiscard]] std::optional<Lsn> parse_lsn(std::string_view text);

} // namespace walbridge
