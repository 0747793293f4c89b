// authentication.hpp: the proof that a message comes from who it says it does (docs/wire-protocol.md, "DDL messages").
// Anyone may write a logical message; only the capture in the server and members of the role walbridge_capture know the
// key. The server seals, the applier verifies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge::wire {

inline constexpr std::size_t authentication_code_bytes = 32;
using AuthenticationCode = std::array<unsigned char, authentication_code_bytes>;

/// HMAC-SHA256 of the message under the key. False: the cryptographic library refused, and the code is nothing.
bool authenticate(std::string_view key, std::string_view message, AuthenticationCode &code) noexcept;

/// What a sealed content consists of: `1 <key id> <code in hex>` and a line feed before the body that it vouches for.
struct Sealed {
    std::uint64_t key_id = 0; ///< 0: the server had no key, and nobody can vouch for the body
    AuthenticationCode code = {};
    std::string_view body;
};

inline constexpr std::string_view seal_version = "1";

/// The first line for a body, its line feed included. Throws std::runtime_error when the cryptographic library refuses.
std::string seal(std::uint64_t key_id, std::string_view key, std::string_view body);

/// Takes a sealed content apart; nothing when it does not have that form. Proves nothing yet: see is_authentic.
std::optional<Sealed> open_seal(std::string_view content);

/// Whether the body was sealed with this key. Takes the same time whatever the difference is.
bool is_authentic(const Sealed &sealed, std::string_view key) noexcept;

} // namespace walbridge::wire
