// throttle_settings.cpp: see throttle_settings.hpp.
#include "task/throttle_settings.hpp"

#include "base/error.hpp"
#include "config/task_keys.hpp"
#include "config/value_text.hpp"
#include "target/state_session.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view section = "throttle.";
/// The process hears of a change at once; a slow target may need a moment.
constexpr std::chrono::seconds patience{10};

std::vector<std::string> key_names() {
    std::vector<std::string> names;
    for (const auto &key : config::task_keys())
        if (key.path.starts_with(section)) names.push_back(key.path.substr(section.size()));
    return names;
}

const config::Key &known_key(const std::string &name) {
    if (const auto *key = config::find_key(std::string(section) + name)) return *key;
    const auto guess = config::nearest(name, key_names());
    throw Error(ErrorKind::usage, name, "no such limit",
                guess ? fmt::format("Did you mean {}?", *guess)
                      : fmt::format("Limits are {}.", config::enumerate(key_names())));
}

std::optional<std::uint64_t> parse_value(const config::Key &key, const std::string &text) {
    if (key.type == config::KeyType::size) return config::parse_size(text);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::unique_ptr<sql::Session> open(const TaskConfig &config) {
    return target::open_state(config, "walbridge:throttle");
}

TaskRow row_of(sql::Session &target, const TaskConfig &config) {
    auto row = read_task(target, config.name);
    if (!row)
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "the target knows no such task",
                    "Start it with walbridge run; limits from the beginning stand in the task file ([throttle]).");
    return std::move(*row);
}

/// What the process says is in force; nullopt when it says nothing about it.
std::optional<TaskConfig::Throttle> answered(const TaskRow &row) {
    const auto status = Json::parse(row.status.value_or("{}"), nullptr, false);
    if (!status.is_object() || !status.contains("throttle")) return std::nullopt;
    ThrottleOverrides found;
    for (const auto &[key, value] : status["throttle"]["in_force"].items())
        if (value.is_number_unsigned()) found[key] = value.get<std::uint64_t>();
    return effective({}, found);
}

std::string listing(const TaskConfig &config, const ThrottleOverrides &overrides) {
    std::string text;
    for (const auto &[key, value] : values(effective(config.throttle, overrides)))
        text += fmt::format("  {:<13} {:>12}  {}\n", key, value == 0 ? "no limit" : written_throttle(key, value),
                            overrides.contains(key) ? "set by walbridge throttle set" : "task file");
    return text;
}

/// Stores what `change` makes of the overrides and waits until the process has heard of it.
std::string change_throttle(const TaskConfig &config, const std::function<void(ThrottleOverrides &)> &change) {
    const auto session = open(config);
    auto &target = *session;
    static_cast<void>(row_of(target, config));
    install_state(target); // a state of an older version has no place for it
    ThrottleOverrides overrides;
    sql::in_transaction(target, [&] {
        overrides = stored_throttle(
            target.ask_value("SELECT throttle FROM walbridge.task WHERE task = $1 FOR UPDATE", {config.name})
                .value_or(""));
        change(overrides);
        target.ask({"UPDATE walbridge.task SET throttle = nullif($2, '')::jsonb, updated_at = now() WHERE task = $1",
                    "UPDATE walbridge.task SET throttle = nullif($2, ''), updated_at = now(6) WHERE task = $1"},
                   {config.name, throttle_json(overrides)});
        notify_task(target, config.name);
    });

    const auto wanted = values(effective(config.throttle, overrides));
    const auto until = std::chrono::steady_clock::now() + patience;
    while (lock_holder(target, config.name)) {
        // The process may run with another version of the task file: then what was set is what can be compared.
        const auto now = answered(row_of(target, config));
        const bool heard =
            now && std::ranges::all_of(wanted, [&, there = values(*now)](const auto &limit) {
                return !overrides.contains(limit.first) || std::ranges::find(there, limit) != there.end();
            });
        if (heard) return fmt::format("task {}: the limits in force are\n{}", config.name, listing(config, overrides));
        if (std::chrono::steady_clock::now() > until)
            throw Error(ErrorKind::timeout, fmt::format("task {}", config.name),
                        "its process did not answer; the limits are stored",
                        "walbridge status shows what the process does.");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return fmt::format("task {}: no process runs it; from the next walbridge run on the limits are\n{}", config.name,
                       listing(config, overrides));
}

} // namespace

ThrottleOverrides parse_throttle(const std::vector<std::string> &words) {
    if (words.empty())
        throw Error(ErrorKind::usage, "throttle set", "no limit is given",
                    fmt::format("walbridge throttle set TASK.toml copy_rows=50000. Limits are {}.",
                                config::enumerate(key_names())));
    ThrottleOverrides overrides;
    for (const auto &word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos)
            throw Error(ErrorKind::usage, word, "a limit is written as name=value", "For example copy_rows=50000.");
        const auto name = word.substr(0, equals);
        const auto &key = known_key(name);
        const auto value = parse_value(key, word.substr(equals + 1));
        if (!value || *value > static_cast<std::uint64_t>(key.high))
            throw Error(ErrorKind::usage, word,
                        fmt::format("{} is {}, per second; 0 = no limit", name, config::describe(key.type)),
                        key.type == config::KeyType::size ? "For example apply_bytes=5MB."
                                                          : "For example copy_rows=50000.");
        overrides[name] = *value;
    }
    return overrides;
}

std::string throttle_json(const ThrottleOverrides &overrides) {
    return overrides.empty() ? std::string() : Json(overrides).dump();
}

ThrottleOverrides stored_throttle(const std::string &text) {
    ThrottleOverrides overrides;
    const auto json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return overrides;
    for (const auto &[key, value] : json.items())
        if (value.is_number_unsigned() && config::find_key(std::string(section) + key) != nullptr)
            overrides[key] = value.get<std::uint64_t>();
    return overrides;
}

TaskConfig::Throttle effective(const TaskConfig::Throttle &file, const ThrottleOverrides &overrides) {
    TaskConfig task;
    task.throttle = file;
    for (const auto &[name, value] : overrides)
        if (const auto *key = config::find_key(std::string(section) + name))
            key->store(task, config::Value(static_cast<std::int64_t>(value)));
    return task.throttle;
}

std::vector<std::pair<std::string, std::uint64_t>> values(const TaskConfig::Throttle &throttle) {
    return {{"copy_queries", throttle.copy_queries},
            {"copy_rows", throttle.copy_rows},
            {"copy_bytes", throttle.copy_bytes},
            {"apply_rows", throttle.apply_rows},
            {"apply_bytes", throttle.apply_bytes}};
}

std::string written_throttle(const std::string &key, std::uint64_t value) {
    return key.ends_with("_bytes") ? config::format_size(value) : std::to_string(value);
}

std::string set_throttle(const TaskConfig &config, const std::vector<std::string> &words) {
    const auto wanted = parse_throttle(words);
    return change_throttle(config, [&](ThrottleOverrides &overrides) {
        for (const auto &[key, value] : wanted) overrides[key] = value;
    });
}

std::string reset_throttle(const TaskConfig &config, const std::vector<std::string> &keys) {
    for (const auto &key : keys) static_cast<void>(known_key(key));
    return change_throttle(config, [&](ThrottleOverrides &overrides) {
        if (keys.empty()) overrides.clear();
        for (const auto &key : keys) overrides.erase(key);
    });
}

std::string show_throttle(const TaskConfig &config, bool json) {
    const auto target = open(config);
    const auto overrides = stored_throttle(row_of(*target, config).throttle);
    if (!json) return fmt::format("task {}: limits per second\n{}", config.name, listing(config, overrides));
    Json document{{"task", config.name}};
    for (const auto &[key, value] : values(effective(config.throttle, overrides))) document["in_force"][key] = value;
    for (const auto &[key, value] : values(config.throttle)) document["task_file"][key] = value;
    document["set"] = overrides;
    return document.dump(2) + "\n";
}

} // namespace walbridge::task
