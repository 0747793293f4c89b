// log.hpp: structured logging: one line per event, a message and named fields, as text or JSON on standard error.
// Safe from every thread. Values of fields must never be secrets; connection strings go through redact().
#pragma once

#include <fmt/format.h>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace walbridge::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

/// "debug", "info", "warning" or "error"; nullopt for anything else.
[[nodiscard]] std::optional<Level> parse_level(std::string_view name);

/// A named value of a log line.
struct Field {
    std::string_view key;
    std::string value;
    template <class T> Field(std::string_view k, const T &v) : key(k), value(fmt::format("{}", v)) {}
};

/// Sets format, threshold and the task's name, which every line carries. Call once before threads start.
void configure(Format format, Level threshold, std::string task);

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, message, fields);
}

} // namespace walbridge::log
