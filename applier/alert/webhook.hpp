// webhook.hpp: POSTs an alert to a URL. Certificates are verified against the system's (or SSL_CERT_FILE's)
// authorities, redirects are not followed, the token travels as a bearer token and is never shown.
#pragma once

#include "alert/carrier.hpp"
#include "config/webhook_url.hpp"

#include <chrono>
#include <memory>

namespace walbridge::alert {

class Webhook : public Carrier {
  public:
    /// `patience` bounds connecting, sending and each wait for the answer.
    Webhook(const config::WebhookUrl &url, std::string token,
            std::chrono::milliseconds patience = std::chrono::seconds(5));
    ~Webhook() override;

    [[nodiscard]] std::string name() const override;
    Outcome carry(const std::string &json) noexcept override;
    void abort() noexcept override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace walbridge::alert
