// reverse_task.cpp: works on the file's TOML, because only the file says where its secrets come from.
#include "reverse/reverse_task.hpp"

#include "config/task_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <toml++/toml.h>

namespace walbridge::reverse {
namespace {

[[noreturn]] void impossible(Purpose purpose, const std::string &reason) {
    if (purpose == Purpose::two_way)
        throw Error(ErrorKind::task_state, "way back", reason, "Such a task stays one-way.");
    throw Error(ErrorKind::switchover_refused, "reverse.task", reason,
                "Give --no-reverse to switch over without a way back, or write its task file by hand.");
}

void copy_keys(const toml::table &from, toml::table &to, std::initializer_list<const char *> keys) {
    for (const auto *key : keys)
        if (const auto *value = from.get(key)) to.insert_or_assign(key, *value);
}

constexpr std::initializer_list<const char *> connection_keys{"url", "password_env", "password_file",
                                                              "key_passphrase_env", "key_passphrase_file"};

const toml::table &section(const toml::table &file, const char *name) {
    static const toml::table none;
    const auto *found = file[name].as_table();
    return found == nullptr ? none : *found;
}

/// `name`, in double quotes where a pattern or a rename could read it otherwise.
std::string quoted_part(const std::string &name) {
    const bool plain = name.find_first_of(".*? ,\"'") == std::string::npos;
    if (plain) return name;
    std::string out = "\"";
    for (const char character : name) out += character == '"' ? std::string("\"\"") : std::string(1, character);
    return out + "\"";
}

std::string quoted_name(const QualifiedName &name) { return quoted_part(name.schema) + "." + quoted_part(name.name); }

/// Cuts a part off the front of a pattern, as text without its quotes; `pattern` keeps what follows the dot.
std::string take_part(std::string_view &pattern) {
    std::string part;
    if (!pattern.starts_with('"')) {
        const auto dot = std::min(pattern.find('.'), pattern.size());
        part = pattern.substr(0, dot);
        pattern.remove_prefix(std::min(dot + 1, pattern.size()));
        return part;
    }
    pattern.remove_prefix(1);
    while (!pattern.empty()) {
        const bool quote = pattern.front() == '"', twice = pattern.starts_with("\"\"");
        if (quote && !twice) break;
        part += pattern.front();
        pattern.remove_prefix(twice ? 2 : 1);
    }
    pattern.remove_prefix(std::min<std::size_t>(2, pattern.size())); // the quote and the dot
    return part;
}

/// A pattern over the source's names as one over the target's.
std::string on_target(const std::string &pattern, const NameMap &names) {
    std::string_view rest = pattern;
    const auto schema = take_part(rest);
    auto table_text = rest;
    const auto table = take_part(table_text);
    if (const auto found = names.tables().find({schema, table}); found != names.tables().end())
        return quoted_name(found->second);
    const auto renamed = names.schemas().find(schema);
    return renamed == names.schemas().end() ? pattern : quoted_part(renamed->second) + "." + std::string(rest);
}

toml::array patterns_on_target(const std::vector<std::string> &patterns, const NameMap &names) {
    toml::array list;
    for (const auto &pattern : patterns) list.push_back(on_target(pattern, names));
    return list;
}

toml::table objects(const TaskConfig &forward, Purpose purpose) {
    toml::table result;
    auto include = patterns_on_target(forward.objects.include, forward.names);
    auto exclude = patterns_on_target(forward.objects.exclude, forward.names);
    toml::array schemas, tables;
    std::set<std::string> taken;
    for (const auto &[source, target] : forward.names.schemas()) {
        if (!taken.insert(target).second)
            impossible(purpose, fmt::format("two schemas are both {} on the target", target));
        schemas.push_back(toml::table{{"name", quoted_part(target)}, {"rename", quoted_part(source)}});
    }
    for (const auto &[source, target] : forward.names.tables()) {
        toml::table entry{{"name", quoted_name(target)}, {"rename", quoted_name(source)}};
        if (const auto policy = forward.conflict.by_table.find(source); policy != forward.conflict.by_table.end())
            entry.insert("conflict", std::string(name_of(policy->second)));
        tables.push_back(std::move(entry));
        include.push_back(quoted_name(target)); // a pattern of the source may not reach its new name
    }
    // Filters and operations alone, else there is no way back.
    for (const auto &rule : nlohmann::json::parse(wire::to_json(forward.objects.rules))) {
        toml::table entry{{"name", on_target(rule.at("table").get<std::string>(), forward.names)}};
        if (rule.contains("where")) entry.insert("where", rule.at("where").get<std::string>());
        if (rule.contains("operations")) {
            toml::array words;
            for (const auto &word : rule.at("operations")) words.push_back(word.get<std::string>());
            entry.insert("operations", std::move(words));
        }
        tables.push_back(std::move(entry));
    }
    for (const auto &[source, policy] : forward.conflict.by_table)
        if (!forward.names.tables().contains(source))
            tables.push_back(toml::table{{"name", quoted_name(forward.names.table(source))},
                                         {"conflict", std::string(name_of(policy))}});
    result.insert("include", std::move(include));
    if (!exclude.empty()) result.insert("exclude", std::move(exclude));
    if (!schemas.empty()) result.insert("schema", std::move(schemas));
    if (!tables.empty()) result.insert("table", std::move(tables));
    // Nothing is copied on the way back, but what was carried there is compared before it is left.
    if (forward.objects.large_objects != "refuse") result.insert("large_objects", forward.objects.large_objects);
    return result;
}

toml::table roles(const TaskConfig &forward, Purpose purpose) {
    toml::table result;
    for (const auto &[source, target] : forward.roles)
        if (!result.insert(target, source).second)
            impossible(purpose, fmt::format("two roles are both {} on the target", target));
    return result;
}

/// What differs for a task that runs while the forward one does.
void beside_forward(const toml::table &file, const TaskConfig &forward, toml::table &reverse) {
    toml::table schema;
    copy_keys(section(file, "schema"), schema, {"check"});
    if (!schema.empty()) reverse.insert("schema", std::move(schema));
    reverse.insert("ddl", toml::table{{"classes", toml::array{"none"}}});
    reverse.insert("sequences", toml::table{{"interval", "0s"}});
    // The same node wins on both sides: "source" means the other one now.
    auto conflict = section(file, "conflict");
    conflict.insert_or_assign("tie", forward.conflict.tie == "source" ? "target" : "source");
    reverse.insert_or_assign("conflict", std::move(conflict));
}

} // namespace

std::string reverse_name(const std::string &forward, pg::Session &source) {
    auto base = forward;
    while (!base.empty() && base.back() >= '0' && base.back() <= '9') base.pop_back();
    const bool back = base.ends_with("_back"), forth = base.ends_with("_forth");
    const auto stem = back ? base.substr(0, base.size() - 5) : forth ? base.substr(0, base.size() - 6) : forward;
    const std::string ending = back ? "_forth" : "_back";
    const bool state = source.value("SELECT pg_catalog.to_regclass('walbridge.task')").has_value();
    constexpr std::size_t longest = 40;
    for (int number = 1;; ++number) {
        const auto end = number == 1 ? ending : fmt::format("{}{}", ending, number);
        auto name = stem.substr(0, longest - end.size()) + end;
        if (!state || source.query("SELECT 1 FROM walbridge.task WHERE task = $1 AND (state = 'switched-over' OR phase "
                                   "IS NOT NULL)",
                                   {name})
                              .rows() == 0)
            return name;
    }
}

ReverseTask derive_reverse(const TaskConfig &forward, const std::string &forward_file, const std::string &name,
                           Purpose purpose) {
    const bool two_way = purpose == Purpose::two_way;
    const auto file = toml::parse_file(forward_file);
    const auto &source = section(file, "source"), &target = section(file, "target");
    toml::table reverse;
    toml::table task{{"name", name}, {"stages", toml::array{"incremental"}}};
    if (two_way) task.insert("reverse_of", forward.name);
    reverse.insert("task", std::move(task));
    toml::table new_source, new_target;
    copy_keys(target, new_source, connection_keys);
    copy_keys(source, new_source, {"heartbeat", "compression", "decoding_memory", "replica_identity"});
    copy_keys(source, new_target, connection_keys);
    new_target.insert_or_assign("kind", "postgresql");
    reverse.insert("source", std::move(new_source));
    reverse.insert("target", std::move(new_target));
    reverse.insert("objects", objects(forward, purpose));
    if (!forward.roles.empty() && !two_way) reverse.insert("roles", roles(forward, purpose));
    for (const auto *same :
         {"apply", "conflict", "retry", "precheck", "slot", "alert", "verify", "switchover", "log", "labels"})
        if (const auto *found = file[same].as_table()) reverse.insert(same, *found);
    if (two_way)
        beside_forward(file, forward, reverse);
    else
        for (const auto *same : {"schema", "ddl", "sequences"})
            if (const auto *found = file[same].as_table()) reverse.insert(same, *found);
    std::ostringstream text;
    text << "# The way back of task " << forward.name << ", written by walbridge "
         << (two_way ? "reverse" : "switchover") << ".\n"
         << reverse << "\n";
    ReverseTask result;
    result.file = (std::filesystem::path(forward_file).parent_path() / (name + ".toml")).string();
    result.text = text.str();
    result.config = parse_task_config(result.text, result.file);
    if (!two_way) result.config.succeeds = forward.name;
    return result;
}

void write_file(const ReverseTask &task) {
    if (std::filesystem::exists(task.file)) {
        std::ifstream in(task.file, std::ios::binary);
        std::ostringstream there;
        there << in.rdbuf();
        if (there.str() == task.text) return;
        throw Error(task.config.reverse_of.empty() ? ErrorKind::switchover_refused : ErrorKind::task_state, task.file,
                    "the file exists and holds another task",
                    "Move it away, or give another name with --reverse-name.");
    }
    const auto before = umask(077); // the connection string may hold what others should not read
    std::ofstream out(task.file, std::ios::binary);
    umask(before);
    out << task.text;
    out.close();
    if (!out)
        throw Error(task.config.reverse_of.empty() ? ErrorKind::switchover_refused : ErrorKind::task_state, task.file,
                    "the file of the way back cannot be written",
                    task.config.reverse_of.empty() ? "Make its folder writable, or give --no-reverse."
                                                   : "Make its folder writable.");
}

} // namespace walbridge::reverse
