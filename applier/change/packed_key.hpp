// packed_key.hpp: the columns of a key as one text, lengths first, so that no two keys have the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walbridge {

inline void pack_key_part(std::string &key, std::string_view part) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
}

/// The parts of a key that pack_key_part() wrote.
[[nodiscard]] inline std::vector<std::string> unpack_key(std::string_view key) {
    std::vector<std::string> parts;
    while (!key.empty()) {
        const auto colon = key.find(':');
        const auto size = std::stoull(std::string(key.substr(0, colon)));
        parts.emplace_back(key.substr(colon + 1, size));
        key.remove_prefix(colon + 1 + size);
    }
    return parts;
}

} // namespace walbridge
