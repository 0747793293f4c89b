// webhook.cpp: the only file that includes cpp-httplib.
#include "alert/webhook.hpp"

#include "alert/pipe_signal.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <mutex>

namespace walbridge::alert {
namespace {

std::string explain(httplib::Error error) {
    switch (error) {
    case httplib::Error::Connection: return "no connection";
    case httplib::Error::Read: return "no answer in time, or the connection broke";
    case httplib::Error::Write: return "the connection broke while sending";
    case httplib::Error::SSLConnection: return "the TLS handshake failed";
    case httplib::Error::SSLLoadingCerts: return "the certificates of the authorities cannot be read";
    case httplib::Error::SSLServerVerification:
        return "the certificate is not of a known authority, or for another host (SSL_CERT_FILE names further "
               "authorities)";
    case httplib::Error::Canceled: return "given up";
    default: return fmt::format("HTTP client error: {}", httplib::to_string(error));
    }
}

} // namespace

struct Webhook::State {
    config::WebhookUrl url;
    std::string token;
    std::chrono::milliseconds patience;
    std::mutex mutex; ///< of what follows
    std::shared_ptr<httplib::Client> client;
    bool aborted = false;
};

Webhook::Webhook(const config::WebhookUrl &url, std::string token, std::chrono::milliseconds patience)
    : state_(std::make_unique<State>()) {
    state_->url = url;
    state_->token = std::move(token);
    state_->patience = patience;
}

Webhook::~Webhook() = default;

std::string Webhook::name() const { return "webhook " + state_->url.shown(); }

Outcome Webhook::carry(const std::string &json) noexcept {
    try {
        const PipeSignalHeld held;
        // A connection of its own for each: alerts are rare, and a kept one may have died.
        auto client = std::make_shared<httplib::Client>(state_->url.shown());
        if (!client->is_valid()) return {false, "the HTTP client cannot be set up"};
        client->set_follow_location(false);
        client->set_keep_alive(false);
        client->set_connection_timeout(state_->patience);
        client->set_read_timeout(state_->patience);
        client->set_write_timeout(state_->patience);
        {
            const std::lock_guard lock(state_->mutex);
            if (state_->aborted) return {false, "given up"};
            state_->client = client;
        }
        httplib::Headers headers{{"User-Agent", "walbridge"}};
        if (!state_->token.empty()) headers.emplace("Authorization", "Bearer " + state_->token);
        const auto result = client->Post(state_->url.path, headers, json, "application/json");
        {
            const std::lock_guard lock(state_->mutex);
            state_->client.reset();
        }
        if (!result) return {false, explain(result.error())};
        const int status = result->status;
        if (status >= 300 && status < 400)
            return {false,
                    fmt::format("HTTP {}: a redirect, which is not followed: name its aim in alert.webhook", status)};
        return {status >= 200 && status < 300, fmt::format("HTTP {}", status)};
    } catch (const std::exception &error) {
        return {false, error.what()};
    }
}

void Webhook::abort() noexcept {
    try {
        std::shared_ptr<httplib::Client> client;
        {
            const std::lock_guard lock(state_->mutex);
            state_->aborted = true;
            client = state_->client;
        }
        if (client) client->stop();
    } catch (const std::exception &) { // NOLINT(bugprone-empty-catch): it ends by its time limits then
    }
}

} // namespace walbridge::alert
