// switchover_command.cpp: shows each gate and step as it happens.
#include "service/switchover_command.hpp"

#include "config/task_file.hpp"
#include "service/signal_listener.hpp"
#include "switchover/switchover.hpp"
#include "task/object_changes.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <unistd.h>

namespace walbridge::service {
namespace {

void show(const switchover::Event &event) {
    const auto time = event.seconds >= 0 ? fmt::format("{:8.3f} s", event.seconds) : std::string(10, ' ');
    fmt::print("{:<5} {:<20} {:<9} {} {}\n", event.kind, event.name, event.state, time, event.text);
    if (!event.remedy.empty() && event.state != "ok") fmt::print("{:<48}fix: {}\n", "", event.remedy);
    std::fflush(stdout);
}

int switch_over(const TaskConfig &config, const std::string &file, const CommandLine &line) {
    StopToken stop;
    const SignalListener listener(stop);
    const switchover::Show shown = line.json ? [](const switchover::Event &) {} : show;
    if (line.undo) {
        const bool undone = switchover::undo_left_over(config, shown);
        if (!line.json && !undone) fmt::print("task {}: there is nothing to undo\n", config.name);
        return 0;
    }
    if (!line.dry_run)
        confirm(line, fmt::format("Close {} to everybody and move its writers to {}?",
                                  pg::describe(config.source.endpoint.url), pg::describe(config.target.endpoint.url)));
    switchover::Options options;
    options.dry_run = line.dry_run;
    options.wait_quiet = line.wait_quiet;
    options.reverse = !line.no_reverse;
    options.reverse_name = line.reverse_name;
    options.accept = line.accept;
    options.verify = line.verify;
    const auto result = switchover::switch_over(config, file, options, stop, shown);
    if (line.json) fmt::print("{}\n", result.report);
    return result.possible ? 0 : static_cast<int>(ErrorKind::switchover_refused);
}

} // namespace

int run_switchover(const TaskConfig &config, const CommandLine &line) {
    return switch_over(config, line.task_file, line);
}

int run_switchback(const TaskConfig &config, const CommandLine &line) {
    const auto file = switchover::file_of_way_back(config);
    const auto back = task::with_stored_objects(load_task_config(file));
    return switch_over(back, file, line);
}

void confirm(const CommandLine &line, const std::string &question) {
    if (line.yes) return;
    if (isatty(STDIN_FILENO) == 1) {
        fmt::print(stderr, "{} [yes/no] ", question);
        std::string answer;
        std::getline(std::cin, answer);
        if (answer == "yes" || answer == "y") return;
        throw Error(ErrorKind::usage, "walbridge " + line.command, "not confirmed", "Answer yes, or give --yes.");
    }
    throw Error(ErrorKind::usage, "walbridge " + line.command,
                "the answer to a question is needed and there is no terminal: " + question, "Give --yes.");
}

} // namespace walbridge::service
