// command.hpp: runs a command of the operator for an alert: /bin/sh -c, the JSON on its standard input, a time limit.
// It sees a few harmless variables of our environment (PATH, HOME, locale, time zone), none of our secrets, and
// inherits no open file.
#pragma once

#include "alert/carrier.hpp"

#include <atomic>
#include <chrono>

namespace walbridge::alert {

class Command : public Carrier {
  public:
    explicit Command(std::string command, std::chrono::milliseconds limit = std::chrono::seconds(10));

    [[nodiscard]] std::string name() const override { return "command"; }
    /// Delivered = exit code 0. At the limit the command's process group is killed.
    Outcome carry(const std::string &json) noexcept override;
    void abort() noexcept override { aborted_ = true; }

  private:
    std::string command_;
    std::chrono::milliseconds limit_;
    std::atomic<bool> aborted_{false};
};

} // namespace walbridge::alert
