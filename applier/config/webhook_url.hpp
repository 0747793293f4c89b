// webhook_url.hpp: the parts of a webhook's URL, and what is wrong with one that cannot be used.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walbridge::config {

struct WebhookUrl {
    bool tls = true;
    std::string host; ///< without the brackets of an IPv6 address
    int port = 443;
    std::string path = "/"; ///< with the query; often a secret: it is never shown

    /// scheme://host:port, as it may be shown.
    [[nodiscard]] std::string shown() const;
};

/// nullopt when webhook_flaw() names something.
[[nodiscard]] std::optional<WebhookUrl> parse_webhook_url(std::string_view url);
/// What is wrong with it; nullopt = nothing. Never holds the URL itself.
[[nodiscard]] std::optional<std::string> webhook_flaw(std::string_view url);

} // namespace walbridge::config
