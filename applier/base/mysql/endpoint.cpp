// endpoint.cpp: taking connection URLs apart and putting them together.
#include "base/mysql/endpoint.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace walbridge::my {
namespace {

Error refused(std::string reason, std::string remedy = {}) {
    if (remedy.empty()) remedy = "Give a URL such as mysql://user@host:3306/database?ssl-mode=required.";
    return {ErrorKind::configuration, "connection URL", std::move(reason), std::move(remedy)};
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decode(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            throw refused("a % in it is not followed by two hexadecimal digits", "Write a percent sign itself as %25.");
        decoded += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return decoded;
}

std::string encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain)
            encoded += c;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

/// The parts of a URL as they are written.
struct Parts {
    std::string_view scheme, user, password, host, port, database;
    std::vector<std::pair<std::string_view, std::string_view>> parameters;
};

std::string_view cut_scheme(std::string_view &rest) {
    const auto end = rest.find("://");
    if (end == std::string_view::npos) throw refused("it does not begin with mysql://");
    const auto scheme = rest.substr(0, end);
    if (scheme != "mysql" && scheme != "mariadb") throw refused(fmt::format("the scheme is \"{}\", not mysql", scheme));
    rest.remove_prefix(end + 3);
    return scheme;
}

void split_authority(std::string_view authority, Parts &parts) {
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const auto who = authority.substr(0, at);
        const auto colon = who.find(':');
        parts.user = who.substr(0, colon);
        if (colon != std::string_view::npos) parts.password = who.substr(colon + 1);
        authority.remove_prefix(at + 1);
    }
    if (authority.starts_with('[')) { // an IPv6 address
        const auto end = authority.find(']');
        if (end == std::string_view::npos) throw refused("the host begins with [ and has no ]");
        parts.host = authority.substr(1, end - 1);
        authority.remove_prefix(end + 1);
        if (!authority.empty() && authority.front() != ':') throw refused("after the host a port or / must follow");
        if (!authority.empty()) parts.port = authority.substr(1);
        return;
    }
    const auto colon = authority.find(':');
    parts.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) parts.port = authority.substr(colon + 1);
}

Parts split(std::string_view url) {
    Parts parts;
    parts.scheme = cut_scheme(url);
    std::string_view query;
    if (const auto mark = url.find('?'); mark != std::string_view::npos) {
        query = url.substr(mark + 1);
        url = url.substr(0, mark);
    }
    const auto slash = url.find('/');
    split_authority(url.substr(0, slash), parts);
    if (slash != std::string_view::npos) parts.database = url.substr(slash + 1);
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto one = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (one.empty()) continue;
        const auto sign = one.find('=');
        parts.parameters.emplace_back(one.substr(0, sign),
                                      sign == std::string_view::npos ? std::string_view() : one.substr(sign + 1));
    }
    return parts;
}

unsigned number(std::string_view name, const std::string &text, unsigned low, unsigned high) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
        throw refused(fmt::format("{} is \"{}\", not a number from {} to {}", name, text, low, high));
    return value;
}

SslMode ssl_mode(std::string text) {
    std::ranges::replace(text, '-', '_');
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (text == "disabled") return SslMode::disabled;
    if (text == "preferred") return SslMode::preferred;
    if (text == "required") return SslMode::required;
    if (text == "verify_ca") return SslMode::verify_ca;
    if (text == "verify_identity") return SslMode::verify_identity;
    throw refused(fmt::format("ssl-mode is \"{}\"", text),
                  "It is disabled, preferred, required, verify_ca or verify_identity.");
}

bool secret(std::string_view parameter) { return parameter == "ssl-key-passphrase"; }

void take(Address &address, std::string_view name, const std::string &value) {
    constexpr unsigned longest = 86400;
    if (name == "socket")
        address.socket = value;
    else if (name == "ssl-mode")
        address.ssl_mode = ssl_mode(value);
    else if (name == "ssl-ca")
        address.ssl_ca = value;
    else if (name == "ssl-cert")
        address.ssl_cert = value;
    else if (name == "ssl-key")
        address.ssl_key = value;
    else if (name == "ssl-key-passphrase")
        address.ssl_key_passphrase = value;
    else if (name == "connect-timeout")
        address.connect_timeout = std::chrono::seconds(number(name, value, 1, longest));
    else if (name == "read-timeout")
        address.read_timeout = std::chrono::seconds(number(name, value, 0, longest));
    else if (name == "write-timeout")
        address.write_timeout = std::chrono::seconds(number(name, value, 0, longest));
    else
        throw refused(fmt::format("the parameter \"{}\" is not known", name),
                      "Known are socket, ssl-mode, ssl-ca, ssl-cert, ssl-key, ssl-key-passphrase, connect-timeout, "
                      "read-timeout and write-timeout.");
}

void check(const Address &address) {
    if (address.ssl_mode == SslMode::verify_ca && address.ssl_ca.empty())
        throw refused("ssl-mode=verify_ca needs ssl-ca, the certificates to trust",
                      "Add ssl-ca=/path/to/ca.pem; ssl-mode=verify_identity can also use the system's certificates.");
    if (address.ssl_cert.empty() != address.ssl_key.empty())
        throw refused("ssl-cert and ssl-key are given together or not at all", "Add the missing one.");
    if (address.ssl_mode == SslMode::disabled && !(address.ssl_ca.empty() && address.ssl_cert.empty()))
        throw refused("it names certificates and says ssl-mode=disabled", "Remove one of the two.");
}

} // namespace

bool is_url(std::string_view url) { return url.starts_with("mysql://") || url.starts_with("mariadb://"); }

Address parse(const std::string &url) {
    const auto parts = split(url);
    Address address;
    address.user = decode(parts.user);
    address.password = decode(parts.password);
    if (!parts.host.empty()) address.host = decode(parts.host);
    if (!parts.port.empty()) address.port = number("the port", decode(parts.port), 1, 65535);
    address.database = decode(parts.database);
    for (const auto &[name, value] : parts.parameters) take(address, decode(name), decode(value));
    check(address);
    return address;
}

std::string redact(const std::string &url) {
    const auto parts = split(url);
    auto shown = fmt::format("{}://", parts.scheme);
    if (!parts.user.empty()) shown += fmt::format("{}@", parts.user);
    shown += parts.host.find(':') == std::string_view::npos ? std::string(parts.host) : fmt::format("[{}]", parts.host);
    if (!parts.port.empty()) shown += fmt::format(":{}", parts.port);
    shown += fmt::format("/{}", parts.database);
    char sign = '?';
    for (const auto &[name, value] : parts.parameters) {
        if (secret(decode(name))) continue;
        shown += fmt::format("{}{}={}", std::exchange(sign, '&'), name, value);
    }
    return shown;
}

std::string describe(const std::string &url) {
    const auto address = parse(url);
    if (!address.socket.empty()) return fmt::format("{}/{}", address.socket, address.database);
    return fmt::format("{}:{}/{}", address.host, address.port, address.database);
}

std::string with_database(const std::string &url, const std::string &database) {
    static_cast<void>(split(url)); // refuses what is no URL
    const auto query = std::min(url.find('?'), url.size());
    const auto authority = url.find("://") + 3;
    const auto slash = std::min(url.find('/', authority), query);
    return url.substr(0, slash) + "/" + encode(database) + url.substr(query);
}

std::string with_key_passphrase(const std::string &url, const std::string &passphrase) {
    static_cast<void>(split(url));
    return fmt::format("{}{}ssl-key-passphrase={}", url, url.find('?') == std::string::npos ? "?" : "&",
                       encode(passphrase));
}

} // namespace walbridge::my
