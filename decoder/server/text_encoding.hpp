// text_encoding.hpp: from the server's encoding to the encoding of the stream.
#pragma once

#include "server/guard.hpp"

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

    /// The text itself, or a converted copy in the current memory context.
    std::string_view encode(std::string_view text) const {
        if (!converts_ || text.empty()) return text;
        char *const source = const_cast<char *>(text.data());
        char *const result = call([&] { return pg_server_to_any(source, static_cast<int>(text.size()), PG_UTF8); });
        return result == source ? text : std::string_view(result);
    }

    std::string_view encode(const char *text) const { return encode(std::string_view(text)); }

    bool converts() const { return converts_; }

  private:
    bool converts_;
};

/// For names at start, outside of any row.
inline std::string to_utf8(const char *text) { return std::string(TextEncoder().encode(text)); }

} // namespace walbridge
