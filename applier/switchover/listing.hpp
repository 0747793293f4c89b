// listing.hpp: several findings as one line of text.
#pragma once

#include <cstddef>
#include <fmt/format.h>
#include <limits>
#include <string>

namespace walbridge::switchover {

/// "a; b; c and 4 more": `text(entry)` of each, of `most` at the most.
template <class List, class Text>
[[nodiscard]] std::string listed(const List &list, Text &&text,
                                 std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::string out;
    std::size_t shown = 0;
    for (const auto &entry : list) {
        if (shown++ == most) return out + fmt::format(" and {} more", list.size() - most);
        out += (out.empty() ? "" : "; ") + std::string(text(entry));
    }
    return out;
}

} // namespace walbridge::switchover
