// two_way.cpp: see two_way.hpp.
#include "reverse/two_way.hpp"

#include "base/log.hpp"
#include "config/task_file.hpp"
#include "reverse/reverse_task.hpp"
#include "task/object_changes.hpp"
#include "task/operator_commands.hpp"
#include "task/precheck.hpp"
#include "task/prepare.hpp"
#include "task/replica_identity.hpp"
#include "task/reverse_possible.hpp"
#include "task/slot_watch.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace walbridge::reverse {
namespace {

pg::Session open(const pg::Endpoint &endpoint) {
    return {endpoint,
            {.application_name = "walbridge:reverse", .replication = false, .settings = {{"lock_timeout", "10s"}}}};
}

Error not_now(const TaskConfig &forward, std::string reason, std::string remedy) {
    return {ErrorKind::task_state, fmt::format("task {}", forward.name), std::move(reason), std::move(remedy)};
}

task::TaskRow require_following(const TaskConfig &forward, pg::Session &target) {
    task::install_state(target); // of an older walbridge
    const auto row = task::read_task(target, forward.name);
    if (!row || row->phase == task::Phase::none)
        throw not_now(forward, "it was not started yet", "Start it first: walbridge run.");
    if (!task::may_run(row->state))
        throw not_now(forward, fmt::format("it is {}", task::name_of(row->state)),
                      "A task that ended has no way back beside it.");
    if (row->phase != task::Phase::follow)
        throw not_now(forward, "its initial load is not done",
                      "Wait until it follows its source (walbridge status), then repeat the command.");
    if (const auto changes = task::load_object_changes(target, forward.name);
        std::ranges::any_of(changes, &task::ObjectChange::open))
        throw not_now(forward, "a change of its tables is under way: the way back would not have the same ones",
                      "Wait for its end (walbridge objects), or give it up (walbridge objects cancel), then repeat the "
                      "command.");
    return *row;
}

std::string text_of(const std::string &file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The way back as its file says now; as it was derived where the file is gone.
TaskConfig known_way_back(const TaskConfig &forward, const std::string &file, const std::string &name) {
    const auto beside = std::filesystem::path(file).parent_path() / (name + ".toml");
    if (std::filesystem::exists(beside)) {
        auto config = load_task_config(beside.string());
        if (config.name == name && config.reverse_of == forward.name) return config;
    }
    return derive_reverse(forward, file, name, Purpose::two_way).config;
}

/// The name is free, or holds what an earlier try of this forward task left.
void require_free_name(const TaskConfig &forward, const ReverseTask &way_back, pg::Session &source,
                       pg::Session &target) {
    const auto &name = way_back.config.name;
    const auto known = task::read_task(source, name);
    const bool ours = known && known->reverse_of == forward.name && known->phase == task::Phase::none;
    const bool slot = task::read_slot(target, way_back.config.slot_name()).has_value();
    if ((!known || ours) && (!slot || (ours && known->slot == way_back.config.slot_name()))) return;
    throw not_now(forward,
                  known && !ours ? fmt::format("the source knows another task {}", name)
                                 : fmt::format("the target has a slot {} already", way_back.config.slot_name()),
                  "Give another name with --reverse-name.");
}

/// What a failed step leaves is taken back: nothing has streamed yet, so there are no origins. What cannot be taken
/// back is said by the log.
void take_back(const TaskConfig &forward, const ReverseTask &way_back) noexcept {
    try {
        auto target = open(forward.target.endpoint), source = open(forward.source.endpoint);
        const auto &config = way_back.config;
        if (const auto row = task::read_task(source, config.name); row && row->reverse_of == forward.name) {
            for (const auto &statement : task::restoring_statements(config.name, source)) target.execute(statement);
            if (row->slot == config.slot_name()) task::drop_slot(target, config);
            task::remove_task(source, config.name, false);
        }
        task::store_reverse_task(target, forward.name, {});
        if (text_of(way_back.file) == way_back.text) std::filesystem::remove(way_back.file);
    } catch (const std::exception &error) {
        log::warning("the way back could not be taken back",
                     {{"reason", error.what()}, {"remedy", "Repeat walbridge reverse, or run it with --remove."}});
    }
}

void stop_process(const TaskConfig &way_back, pg::Session &its_target, std::chrono::milliseconds patience,
                  std::string &text) {
    if (!task::lock_holder(its_target, way_back.name)) return;
    text += task::control(way_back, "stop", patience);
}

} // namespace

std::string add_way_back(const TaskConfig &forward, const std::string &file, const TwoWayOptions &options,
                         const StopToken &stop) {
    if (const auto obstacle = task::reverse_obstacle(forward))
        throw not_now(forward, "it cannot have a way back: " + *obstacle, "Such a task stays one-way.");
    auto target = open(forward.target.endpoint), source = open(forward.source.endpoint);
    const auto row = require_following(forward, target);
    if (!row.reverse_task.empty()) {
        const auto there = task::read_task(source, row.reverse_task);
        if (there && there->phase != task::Phase::none)
            throw not_now(forward, fmt::format("it has a way back: task {}", row.reverse_task),
                          "walbridge run with that task's file runs it; walbridge reverse --remove goes back to one "
                          "way.");
    }
    const auto name = !options.name.empty()       ? options.name
                      : !row.reverse_task.empty() ? row.reverse_task // an earlier try was cut off
                                                  : reverse_name(forward.name, source);
    const auto way_back = derive_reverse(forward, file, name, Purpose::two_way);
    if (options.dry_run) {
        const auto report = task::precheck(way_back.config);
        if (report.failed())
            throw Error(ErrorKind::precheck, fmt::format("task {}", name), "its precheck found errors",
                        task::precheck_table(report));
        return fmt::format("{}\n# {} would be written:\n{}", task::precheck_table(report), way_back.file,
                           way_back.text);
    }
    require_free_name(forward, way_back, source, target);
    write_file(way_back);
    try {
        // First: from now on the forward task leaves the target's sequences alone.
        task::store_reverse_task(target, forward.name, name);
        task::prepare(way_back.config, stop);
    } catch (...) {
        take_back(forward, way_back);
        throw;
    }
    return fmt::format("task {} is the way back of task {}: its slot is in place, what is committed on {} from now on "
                       "will be brought to {}\n"
                       "Start it now, until then its slot keeps WAL: walbridge run {}\n",
                       name, forward.name, pg::describe(forward.target.endpoint.url),
                       pg::describe(forward.source.endpoint.url), way_back.file);
}

std::string remove_way_back(const TaskConfig &forward, const std::string &file, std::chrono::milliseconds patience) {
    auto target = open(forward.target.endpoint), source = open(forward.source.endpoint);
    const auto row = task::read_task(target, forward.name);
    if (!row || row->reverse_task.empty()) throw not_now(forward, "it has no way back", "walbridge reverse makes one.");
    const auto there = task::read_task(source, row->reverse_task);
    if (there && there->reverse_of != forward.name)
        throw not_now(forward, fmt::format("task {} is not its way back (any more)", row->reverse_task),
                      "Look at that task with walbridge status, and at walbridge.task on both servers.");
    if (!there) { // it was released by itself
        task::store_reverse_task(target, forward.name, {});
        return fmt::format("task {} is gone; task {} is one-way again\n", row->reverse_task, forward.name);
    }
    const auto way_back = known_way_back(forward, file, row->reverse_task);
    std::string text;
    stop_process(way_back, source, patience, text);
    if (task::drop_slot(target, way_back)) text += fmt::format("dropped slot {} on the target\n", way_back.slot_name());
    // Its transactions are known by its origins and its row for as long as the forward task has not read past them.
    try {
        task::wait_until_durable(forward, patience);
    } catch (const Error &error) {
        throw Error(
            error.kind() == ErrorKind::timeout ? ErrorKind::timeout : error.kind(),
            fmt::format("task {}", forward.name),
            fmt::format("the way back is stopped and its slot dropped, and the forward task has not passed what "
                        "it wrote yet: {}",
                        error.reason()),
            "Let the forward task catch up and repeat the command: the way back's origins and state go then.");
    }
    text += task::release(way_back).text;
    task::store_reverse_task(target, forward.name, {});
    const auto derived = derive_reverse(forward, file, way_back.name, Purpose::two_way);
    if (std::filesystem::exists(derived.file)) {
        if (text_of(derived.file) == derived.text) {
            std::filesystem::remove(derived.file);
            text += fmt::format("removed {}\n", derived.file);
        } else {
            text += fmt::format("{} was edited and stays\n", derived.file);
        }
    }
    return text + fmt::format("task {} is one-way again\n", forward.name);
}

} // namespace walbridge::reverse
