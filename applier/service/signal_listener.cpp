// signal_listener.cpp: the thread that takes the signals.
#include "service/signal_listener.hpp"

#include "base/log.hpp"

#include <ctime>
#include <pthread.h>
#include <unistd.h>

namespace walbridge::service {

SignalListener::SignalListener(StopToken &stop) : stop_(stop) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN); // NOLINT(cert-err33-c): a closed terminal must not end the task
    thread_ = std::thread([this] { listen(); });
}

SignalListener::~SignalListener() {
    ended_ = true;
    thread_.join();
}

void SignalListener::listen() {
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

} // namespace walbridge::service
