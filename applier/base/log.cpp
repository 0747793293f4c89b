// log.cpp: writes structured lines through spdlog's thread-safe standard-error sink.
#include "base/log.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace walbridge::log {
namespace {

struct Settings {
    Format format = Format::text;
    std::string task;
};

Settings &settings() {
    static Settings instance;
    return instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

spdlog::logger &logger() {
    static const auto instance = [] {
        auto created = std::make_shared<spdlog::logger>("walbridge", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        created->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        created->flush_on(spdlog::level::debug);
        return created;
    }();
    return *instance;
}

/// A field's text form: quoted when a reader could otherwise not tell where it ends.
std::string quoted(const std::string &value) {
    if (!value.empty() && value.find_first_of(" \"=\n\t") == std::string::npos) return value;
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

std::optional<Level> parse_level(std::string_view name) {
    if (name == "debug") return Level::debug;
    if (name == "info") return Level::info;
    if (name == "warning") return Level::warning;
    if (name == "error") return Level::error;
    return std::nullopt;
}

void configure(Format format, Level threshold, std::string task) {
    settings() = {format, std::move(task)};
    logger().set_level(spdlog_level(threshold));
    if (format == Format::json) logger().set_pattern("%v");
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
    auto &out = logger();
    const auto spd = spdlog_level(level);
    if (!out.should_log(spd)) return;
    if (settings().format == Format::json) {
        nlohmann::ordered_json line;
        line["time"] = fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(
                                             std::chrono::system_clock::now().time_since_epoch())
                                             .count());
        line["level"] = spdlog::level::to_string_view(spd).data();
        if (!settings().task.empty()) line["task"] = settings().task;
        line["message"] = message;
        for (const auto &field : fields) line[std::string(field.key)] = field.value;
        out.log(spd, "{}", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return;
    }
    std::string line(message);
    if (!settings().task.empty()) line += " task=" + settings().task;
    for (const auto &field : fields) line += fmt::format(" {}={}", field.key, quoted(field.value));
    out.log(spd, "{}", line);
}

} // namespace walbridge::log
