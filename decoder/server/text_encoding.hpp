// text_encoding.hpp: from the server's encoding to the encoding of the stream.
#pragma once

#include "server/guard.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

extern "C" {
#include "mb/pg_wchar.h"
}

namespace walbridge {

/// Converts texts of the server. UTF-8 is the rule; JSON lines for SQL functions stay in the server's encoding, because
/// those functions convert to the client's encoding themselves. A text that UTF-8 cannot hold raises the server's
/// error.
class TextEncoder {
  public:
    explicit TextEncoder(bool keep_server_encoding = false)
        : converts_(!keep_server_encoding && GetDatabaseEncoding() != PG_UTF8) {}

    /// The text itself, or a converted copy in the current memory context. Converting looks into the catalogs: it needs
    /// a transaction.
    std::string_view encode(std::string_view text) const {
        // ASCII is the same in every server encoding.
        if (!converts_ || is_ascii(text)) return text;
        char *const source = const_cast<char *>(text.data());
        char *const result = call([&] { return pg_server_to_any(source, static_cast<int>(text.size()), PG_UTF8); });
        return result == source ? text : std::string_view(result);
    }

    std::string_view encode(const char *text) const { return encode(std::string_view(text)); }

    bool converts() const { return converts_; }

  private:
    static bool is_ascii(std::string_view text) {
        std::size_t at = 0;
        for (std::uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
            std::memcpy(&word, text.data() + at, sizeof word);
            if ((word & 0x8080808080808080) != 0) return false;
        }
        for (; at < text.size(); ++at)
            if ((static_cast<unsigned char>(text[at]) & 0x80) != 0) return false;
        return true;
    }

    bool converts_;
};

/// For names at start, outside of any row.
inline std::string to_utf8(const char *text) { return std::string(TextEncoder().encode(text)); }

} // namespace walbridge
