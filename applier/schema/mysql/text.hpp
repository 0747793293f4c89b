// text.hpp: two ways with text that several files of this folder need.
#pragma once

#include <cstddef>
#include <string>

namespace walbridge::schema::mysql {

/// ASCII letters in lower case: how names are told apart.
[[nodiscard]] inline std::string lower(std::string text) {
    for (char &c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return text;
}

/// The first `count` characters of UTF-8 text.
[[nodiscard]] inline std::string cut(const std::string &text, std::size_t count) {
    std::size_t seen = 0;
    for (std::size_t at = 0; at < text.size(); ++at)
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U && seen++ == count) return text.substr(0, at);
    return text;
}

} // namespace walbridge::schema::mysql
