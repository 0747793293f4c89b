// reverse_command.cpp: see reverse_command.hpp.
#include "service/reverse_command.hpp"

#include "reverse/two_way.hpp"
#include "service/signal_listener.hpp"
#include "service/switchover_command.hpp"

#include <fmt/format.h>

namespace walbridge::service {
namespace {

int run_reverse(const TaskConfig &config, const CommandLine &line) {
    if (line.remove) {
        confirm(line, fmt::format("Remove the way back of task {}: slot, origins and state?", config.name));
        fmt::print("{}",
                   reverse::remove_way_back(config, line.task_file, line.timeout.value_or(std::chrono::seconds(60))));
        return 0;
    }
    StopToken stop;
    const SignalListener listener(stop);
    fmt::print("{}", reverse::add_way_back(config, line.task_file, {.name = line.reverse_name, .dry_run = line.dry_run},
                                           stop));
    return 0;
}

} // namespace

CommandEntry reverse_command() {
    return {"reverse",
            "two-way synchronisation: make the way back of a running task, or remove it",
            "Derives the task that brings the target's own changes to the source, writes its file beside the task's, "
            "prechecks it and creates\n"
            "its slot; the task goes on meanwhile. walbridge run with the new file then runs it. It carries no DDL and "
            "no sequences.\n"
            "--dry-run: the way back's precheck and file, nothing else. --reverse-name NAME instead of TASK_back.\n"
            "--remove: stops the way back and removes its slot, origins and state; the task, which has to run, is "
            "one-way again. Asks\n"
            "before it does; --yes answers. --timeout: how long the task may take to pass what the way back wrote.\n\n"
            "  walbridge reverse orders.toml --dry-run\n"
            "  walbridge reverse orders.toml && walbridge run orders_back.toml\n"
            "  walbridge reverse orders.toml --remove --yes",
            {"dry-run", "reverse-name", "remove", "yes", "timeout"},
            run_reverse};
}

} // namespace walbridge::service
