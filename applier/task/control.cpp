// control.cpp: requests to a running process through the task's row, and their answers.
#include "target/state_session.hpp"
#include "task/operator_commands.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>
#include <thread>

namespace walbridge::task {
namespace {

bool answered(const TaskRow &row, const std::string &request, bool running) {
    if (request == "stop") return !running;
    if (row.control) return false;
    return request == "pause" ? row.paused : !row.paused;
}

std::string past(const std::string &request) {
    return request == "pause" ? "paused" : request == "resume" ? "resumed" : "stopped";
}

} // namespace

std::string control(const TaskConfig &config, const std::string &request, std::chrono::milliseconds patience) {
    const auto session = target::open_state(config, "walbridge:" + request);
    auto &target = *session;
    const auto object = fmt::format("task {}", config.name);
    auto row = read_task(target, config.name);
    if (!row)
        throw Error(ErrorKind::task_state, object, "the target knows no such task", "Start it with walbridge run.");
    if (request == "resume" && row->state == State::switched_over)
        throw Error(ErrorKind::task_state, object, "it was switched over and never runs again", "Create a new task.");
    if (!lock_holder(target, config.name)) {
        if (request == "stop")
            return fmt::format("task {}: no process runs it; its slot is kept, walbridge run goes on with it\n",
                               config.name);
        target.ask(
            {"UPDATE walbridge.task SET paused = $2::boolean, control = NULL, updated_at = now() WHERE task = $1",
             "UPDATE walbridge.task SET paused = $2, control = NULL, updated_at = now(6) WHERE task = $1"},
            {config.name, request == "pause" ? "1" : "0"});
        return fmt::format("task {}: no process runs it; {} is noted for the next walbridge run\n", config.name,
                           request);
    }
    if (row->phase == Phase::load && request == "pause")
        fmt::print(stderr, "task {}: the copy is not interrupted; applying changes begins paused\n", config.name);
    request_control(target, config.name, request);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        row = read_task(target, config.name);
        if (!row)
            throw Error(ErrorKind::task_state, object, "its row disappeared", "Somebody reset or released the task.");
        if (answered(*row, request, lock_holder(target, config.name).has_value()))
            return fmt::format("task {}: {}\n", config.name, past(request));
    }
    throw Error(ErrorKind::timeout, object,
                fmt::format("{} did not answer the request to {} within {} s", row->holder.value_or("its process"),
                            request, patience.count() / 1000),
                "The request stands and is answered when the process can; walbridge status shows what it does.");
}

} // namespace walbridge::task
