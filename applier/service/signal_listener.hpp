// signal_listener.hpp: SIGTERM and SIGINT as a request to stop, for commands that take long.
#pragma once

#include "base/log.hpp"
#include "base/stop_token.hpp"

#include <atomic>
#include <csignal>
#include <ctime>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace walbridge::service {

/// Turns signals into a stop request. They are blocked in every thread that starts after it and taken by a thread of
/// its own.
class SignalListener {
  public:
    explicit SignalListener(StopToken &stop) : stop_(stop) {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c): a closed terminal must not end the task
        thread_ = std::thread([this] { listen(); });
    }
    ~SignalListener() {
        ended_ = true;
        thread_.join();
    }
    SignalListener(const SignalListener &) = delete;
    SignalListener &operator=(const SignalListener &) = delete;

  private:
    void listen() {
        while (!ended_) {
            const timespec patience{0, 200'000'000};
            const int signal = sigtimedwait(&signals_, nullptr, &patience);
            if (signal <= 0) continue;
            if (asked_) _exit(128 + signal);
            asked_ = true;
            log::info("stopping; a second signal ends the process at once", {{"signal", signal}});
            stop_.request();
        }
    }

    StopToken &stop_;
    sigset_t signals_{};
    std::atomic<bool> ended_{false};
    bool asked_ = false;
    std::thread thread_;
};

} // namespace walbridge::service
