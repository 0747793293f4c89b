// task_keys.hpp: the table of every key a task file may hold: type, default, limits, meaning, and where it is stored.
// The reader checks a file against this table and `walbridge --help-config` prints it, so neither can drift from the
// other.
#pragma once

#include "config/task_config.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace walbridge::config {

enum class KeyType {
    text,
    boolean,
    integer,
    duration, ///< text such as "10s"; as Value: milliseconds
    size,     ///< text such as "64MB" or a number of bytes; as Value: bytes
    text_list,
    text_map,    ///< a table whose keys are free
    unsupported, ///< known by name, refused with `help` as the reason
};

using Value =
    std::variant<std::string, bool, std::int64_t, std::vector<std::string>, std::map<std::string, std::string>>;

struct Key {
    std::string path; ///< "retry.connection"; "objects.table[].name" for a key of each [[objects.table]]
    KeyType type = KeyType::text;
    std::string fallback{}; ///< the default as one writes it; empty = none
    bool required = false;
    std::int64_t low = 0, high = INT64_MAX;               ///< of integers, durations (ms) and sizes (bytes)
    std::string help{};                                   ///< one sentence
    std::vector<std::string> choices{};                   ///< of a text or of each item of a list; empty = any
    bool word_or_list = false;                            ///< of a list: a text stands for a list of one
    std::map<std::string, std::string> refused{};         ///< choices that are known and not possible, with the reason
    void (*store)(TaskConfig &, const Value &) = nullptr; ///< null: read by the loader itself (secrets)
};

/// Every key, in the order of the reference.
[[nodiscard]] const std::vector<Key> &task_keys();

/// The key of that path; nullptr when there is none.
[[nodiscard]] const Key *find_key(std::string_view path);

/// Whether `path` is a list of entries: [[objects.table]].
[[nodiscard]] bool is_list(std::string_view path);

/// The sections: "task", "source", ...
[[nodiscard]] std::vector<std::string> sections();

/// A readable name of the type: "a duration such as \"10s\"".
[[nodiscard]] std::string describe(KeyType type);

/// A value as one would write it in a task file. Nothing secret: connection strings come without passwords, and what
/// may hold a token anywhere in it (alert.webhook, alert.command) is only said to be given.
[[nodiscard]] std::string written(const Key &key, const Value &value);

/// The reference as text: one paragraph per key.
[[nodiscard]] std::string reference();

} // namespace walbridge::config
