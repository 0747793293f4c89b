// prepare.cpp: the first half of a run.
#include "task/prepare.hpp"

#include "target/state_session.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>

namespace walbridge::task {

void prepare(const TaskConfig &config, const StopToken &stop) {
    const auto session = target::open_state(config, config.application_name("control"));
    auto &control = *session;
    install_state(control);
    lock_task(control, config.name);
    create_task(control, config);
    if (read_task(control, config.name).value().phase != Phase::none)
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "it was started before",
                    "Choose another name, or walbridge release it.");
    Live live;
    const copy::InitialLoad load(config, stop, live.copy, live.copy_throttle);
    const auto snapshot = start_new_task(config, control, load, live, stop);
    set_state(control, config.name, std::nullopt, State::fresh);
}

} // namespace walbridge::task
