// webhook_url.cpp: http://host[:port][/path][?query] and nothing else: no user, no fragment, no blanks.
#include "config/webhook_url.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <variant>

namespace walbridge::config {
namespace {

std::variant<WebhookUrl, std::string> read(std::string_view text) {
    WebhookUrl url;
    if (text.starts_with("https://")) {
        text.remove_prefix(8);
    } else if (text.starts_with("http://")) {
        text.remove_prefix(7);
        url.tls = false;
        url.port = 80;
    } else {
        return "it begins with neither https:// nor http://";
    }
    if (std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
        return "it holds a blank or a character that a URL spells with %";
    text = text.substr(0, text.find('#'));
    const auto slash = text.find_first_of("/?");
    auto authority = text.substr(0, slash);
    if (slash != std::string_view::npos) url.path = (text[slash] == '?' ? "/" : "") + std::string(text.substr(slash));
    if (authority.find('@') != std::string_view::npos) return "it holds a user or a password";
    std::string_view port;
    if (authority.starts_with("[")) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return "the brackets of its address are not closed";
        url.host = authority.substr(1, end - 1);
        port = authority.substr(end + 1);
    } else {
        const auto colon = authority.find(':');
        url.host = authority.substr(0, colon);
        if (colon != std::string_view::npos) port = authority.substr(colon);
    }
    if (url.host.empty()) return "it names no host";
    if (port.empty()) return url;
    const auto *const end = port.data() + port.size();
    const auto [rest, error] = std::from_chars(port.data() + 1, end, url.port);
    if (port[0] != ':' || error != std::errc{} || rest != end || url.port < 1 || url.port > 65535)
        return "its port is not a number from 1 to 65535";
    return url;
}

} // namespace

std::string WebhookUrl::shown() const {
    const bool bracketed = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", bracketed ? "[" : "", host, bracketed ? "]" : "",
                       port);
}

std::optional<WebhookUrl> parse_webhook_url(std::string_view url) {
    auto found = read(url);
    if (auto *parsed = std::get_if<WebhookUrl>(&found)) return std::move(*parsed);
    return std::nullopt;
}

std::optional<std::string> webhook_flaw(std::string_view url) {
    auto found = read(url);
    if (auto *flaw = std::get_if<std::string>(&found)) return std::move(*flaw);
    return std::nullopt;
}

} // namespace walbridge::config
