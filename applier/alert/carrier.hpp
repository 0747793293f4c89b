// carrier.hpp: a way by which an alert leaves the process: a webhook or a command.
#pragma once

#include <string>

namespace walbridge::alert {

struct Outcome {
    bool delivered = false;
    std::string detail; ///< for people: "HTTP 200", "exit code 1: ..."; holds no secret
};

/// carry() belongs to one thread; abort() may be called from another.
class Carrier {
  public:
    Carrier() = default;
    Carrier(const Carrier &) = delete;
    Carrier &operator=(const Carrier &) = delete;
    virtual ~Carrier() = default;

    /// "webhook https://alerts.example:443": holds no secret.
    [[nodiscard]] virtual std::string name() const = 0;
    /// One try; returns within a bounded time and never throws.
    virtual Outcome carry(const std::string &json) noexcept = 0;
    /// Ends a carry() that is under way as soon as it can, and every later one at once.
    virtual void abort() noexcept = 0;
};

} // namespace walbridge::alert
