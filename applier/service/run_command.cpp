// run_command.cpp: the runner, under signals.
#include "service/run_command.hpp"

#include "base/stop_token.hpp"
#include "service/signal_listener.hpp"
#include "task/runner.hpp"

namespace walbridge::service {

int run_task(const TaskConfig &config) {
    StopToken stop;
    const SignalListener listener(stop);
    task::Runner runner(config, stop);
    runner.run();
    return 0;
}

} // namespace walbridge::service
