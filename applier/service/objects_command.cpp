// objects_command.cpp: the options of `walbridge objects` and `walbridge resync`.
#include "service/objects_command.hpp"

#include "base/error.hpp"
#include "task/objects_command.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace walbridge::service {
namespace {

using Action = task::ObjectChange::Action;

task::ObjectsRequest request_of(const CommandLine &line, Action action) {
    return {.action = action,
            .patterns = line.words,
            .empties = line.truncate,
            .wait = line.wait,
            .timeout = line.timeout,
            .json = line.json};
}

int run_objects(const TaskConfig &config, const CommandLine &line) {
    std::string text;
    if (line.truncate && line.action != "add")
        throw Error(ErrorKind::usage, "--truncate", fmt::format("walbridge objects {} empties no table", line.action),
                    "Leave it out; it is for walbridge objects add.");
    if (line.action == "add")
        text = task::change_objects(config, request_of(line, Action::add));
    else if (line.action == "remove")
        text = task::change_objects(config, request_of(line, Action::remove));
    else if (line.action == "cancel")
        text = task::cancel_objects(config, line.timeout.value_or(std::chrono::seconds(60)));
    else
        text = task::show_objects(config, line.all, line.json);
    fmt::print("{}", text);
    return 0;
}

int run_resync(const TaskConfig &config, const CommandLine &line) {
    fmt::print("{}", task::change_objects(config, request_of(line, Action::resync)));
    return 0;
}

} // namespace

CommandEntry objects_command() {
    CommandEntry entry{"objects",
                       "the tables of a running task: show, add, remove, cancel",
                       "show (also without a word): every table the task has, why, its name and rule on the target, "
                       "and how far it is; "
                       "--all shows the\nothers too. The task file's patterns come first, then these commands in their "
                       "order; an exclude "
                       "pattern wins over include patterns.\n"
                       "add: schema, rows and changes of the tables are brought by a task beside it, the others stream "
                       "on. A table that "
                       "the target\nhas already is copied into; --truncate empties it first.\n"
                       "remove: the tables leave the stream at a position that is shown; the target's tables stay.\n"
                       "cancel: gives up what is under way.\n"
                       "Each returns when the task's process has taken it up; --wait: when it is done. --timeout: how "
                       "long to wait.\n\n"
                       "  walbridge objects show orders.toml --all\n"
                       "  walbridge objects add orders.toml public.invoice 'billing.*' --wait\n"
                       "  walbridge objects remove orders.toml 'public.audit_*'\n"
                       "  walbridge objects cancel orders.toml",
                       {"json", "all", "truncate", "wait", "timeout"},
                       run_objects,
                       {"show", "add", "remove", "cancel"},
                       {},
                       {"add", "remove"}};
    entry.usual_action = "show";
    return entry;
}

CommandEntry resync_command() {
    CommandEntry entry{
        "resync",
        "copy tables of a running task once more",
        "The tables leave the stream, the target's are emptied and copied anew by a task beside it, and "
        "come back when they have caught\nup; the others stream on. Readers of the target see the tables "
        "empty, then filling. Returns when the task's process has taken\nit up; --wait: when it is done. "
        "--timeout: how long to wait.\n\n"
        "  walbridge resync orders.toml public.customer --wait",
        {"json", "wait", "timeout"},
        run_resync};
    entry.takes_words = true;
    return entry;
}

} // namespace walbridge::service
