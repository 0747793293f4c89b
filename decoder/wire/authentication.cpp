// authentication.cpp: HMAC-SHA256 by OpenSSL, and the line that carries it.
#include "wire/authentication.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>
#include <climits>
#include <stdexcept>

namespace walbridge::wire {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

std::optional<unsigned> hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a' + 10);
    return std::nullopt;
}

} // namespace

bool authenticate(std::string_view key, std::string_view message, AuthenticationCode &code) noexcept {
    if (key.size() > INT_MAX) return false;
    unsigned length = 0;
    const unsigned char *result =
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char *>(message.data()), message.size(), code.data(), &length);
    return result != nullptr && length == code.size();
}

std::string seal(std::uint64_t key_id, std::string_view key, std::string_view body) {
    AuthenticationCode code{};
    if (!authenticate(key, body, code)) throw std::runtime_error("HMAC-SHA256 is not available");
    std::string line(seal_version);
    line += ' ';
    line += std::to_string(key_id);
    line += ' ';
    for (const unsigned char byte : code) {
        line += hex_digits[byte >> 4];
        line += hex_digits[byte & 15];
    }
    line += '\n';
    return line;
}

std::optional<Sealed> open_seal(std::string_view content) {
    const std::size_t end = content.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = content.substr(0, end);
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos || line.substr(0, first) != seal_version) return std::nullopt;

    Sealed sealed;
    const std::string_view id = line.substr(first + 1, second - first - 1);
    const auto parsed = std::from_chars(id.data(), id.data() + id.size(), sealed.key_id);
    if (parsed.ec != std::errc() || parsed.ptr != id.data() + id.size()) return std::nullopt;
    const std::string_view code = line.substr(second + 1);
    if (code.size() != 2 * sealed.code.size()) return std::nullopt;
    for (std::size_t i = 0; i < sealed.code.size(); ++i) {
        const auto high = hex_value(code[2 * i]);
        const auto low = hex_value(code[2 * i + 1]);
        if (!high || !low) return std::nullopt;
        sealed.code[i] = static_cast<unsigned char>(*high << 4 | *low);
    }
    sealed.body = content.substr(end + 1);
    return sealed;
}

bool is_authentic(const Sealed &sealed, std::string_view key) noexcept {
    AuthenticationCode expected{};
    return authenticate(key, sealed.body, expected) &&
           CRYPTO_memcmp(expected.data(), sealed.code.data(), expected.size()) == 0;
}

} // namespace walbridge::wire
