// signal_listener.hpp: SIGTERM and SIGINT as a request to stop.
#pragma once

#include "base/stop_token.hpp"

#include <atomic>
#include <csignal>
#include <thread>

namespace walbridge::service {

/// Turns signals into a stop request. They are blocked in every thread that starts after it and taken by a thread of
/// its own; a second one ends the process at once.
class SignalListener {
  public:
    explicit SignalListener(StopToken &stop);
    ~SignalListener();
    SignalListener(const SignalListener &) = delete;
    SignalListener &operator=(const SignalListener &) = delete;

  private:
    void listen();

    StopToken &stop_;
    sigset_t signals_{};
    std::atomic<bool> ended_{false};
    bool asked_ = false;
    std::thread thread_;
};

} // namespace walbridge::service
