// pipe_signal.hpp: a receiver that closes its end early is an error of a write, never the end of the process.
#pragma once

#include <csignal>
#include <ctime>

namespace walbridge::alert {

/// Holds SIGPIPE back in this thread, and takes what came meanwhile.
class PipeSignalHeld {
  public:
    PipeSignalHeld() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~PipeSignalHeld() {
        if (sigismember(&before_, SIGPIPE) == 1) return;
        const timespec no_time{0, 0};
        while (sigtimedwait(&pipe_, nullptr, &no_time) > 0) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    PipeSignalHeld(const PipeSignalHeld &) = delete;
    PipeSignalHeld &operator=(const PipeSignalHeld &) = delete;

  private:
    sigset_t pipe_{}, before_{};
};

} // namespace walbridge::alert
