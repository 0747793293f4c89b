// task_file.cpp: the only file that includes toml++. Walks the parsed file against the table of keys.
#include "config/task_file.hpp"

#include "base/postgres/session.hpp"
#include "config/mysql_target.hpp"
#include "config/renames.hpp"
#include "config/secret.hpp"
#include "config/table_entries.hpp"
#include "config/task_keys.hpp"
#include "config/value_text.hpp"
#include "config/webhook_url.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sstream>
#include <toml++/toml.h>

namespace walbridge {
namespace {

using config::Key;
using config::KeyType;
using config::Value;

/// A file's name, and errors that point into it.
struct Origin {
    std::string file;

    [[noreturn]] void refuse(const toml::source_position &where, const std::string &key, std::string reason,
                             std::string remedy) const {
        throw Error(ErrorKind::configuration, fmt::format("{}:{}: {}", file, where.line, key), std::move(reason),
                    std::move(remedy));
    }
    [[noreturn]] void refuse(const toml::node &node, const std::string &key, std::string reason,
                             std::string remedy) const {
        refuse(node.source().begin, key, std::move(reason), std::move(remedy));
    }
};

/// What the file gives, by path, with where it stands.
struct Given {
    Value value;
    toml::source_position where;
};
using GivenKeys = std::map<std::string, Given>;

/// One [[objects.table]]: its keys by their full path, "objects.table[].name".
struct GivenEntry {
    GivenKeys keys;
    toml::source_position where;
};
using GivenLists = std::map<std::string, std::vector<GivenEntry>>;

void check_choice(const Origin &origin, const toml::node &node, const Key &key, const std::string &word) {
    if (key.choices.empty() || std::ranges::find(key.choices, word) != key.choices.end()) return;
    const auto remedy = fmt::format("Use {}.", config::enumerate(key.choices));
    if (const auto refused = key.refused.find(word); refused != key.refused.end())
        origin.refuse(node, key.path, fmt::format("\"{}\" is not supported: {}", word, refused->second), remedy);
    const auto guess = config::nearest(word, key.choices);
    origin.refuse(node, key.path, fmt::format("\"{}\" is not a known value", word),
                  guess ? fmt::format("Did you mean \"{}\"? {}", *guess, remedy) : remedy);
}

void check_range(const Origin &origin, const toml::node &node, const Key &key, std::int64_t number) {
    if (number >= key.low && number <= key.high) return;
    const auto shown = [&](std::int64_t bound) {
        if (key.type == KeyType::duration) return config::format_duration(std::chrono::milliseconds(bound));
        if (key.type == KeyType::size) return config::format_size(static_cast<std::uint64_t>(bound));
        return std::to_string(bound);
    };
    origin.refuse(node, key.path,
                  fmt::format("{} is out of range", number < 0 ? std::to_string(number) : shown(number)),
                  fmt::format("Use {} to {}.", shown(key.low), shown(key.high)));
}

[[noreturn]] void wrong_type(const Origin &origin, const toml::node &node, const Key &key) {
    std::ostringstream type;
    type << node.type();
    origin.refuse(node, key.path, fmt::format("expected {}, got {}", config::describe(key.type), type.str()),
                  key.fallback.empty() ? "See walbridge --help-config." : fmt::format("For example: {}", key.fallback));
}

/// Text of a duration or size to milliseconds or bytes.
std::int64_t measure(const Origin &origin, const toml::node &node, const Key &key) {
    if (key.type == KeyType::size && node.is_integer()) return node.as_integer()->get();
    if (key.type == KeyType::duration && node.is_integer() && node.as_integer()->get() == 0) return 0;
    if (!node.is_string()) wrong_type(origin, node, key);
    const auto &text = node.as_string()->get();
    const auto amount = [&]() -> std::optional<std::int64_t> {
        if (key.type == KeyType::size) {
            const auto bytes = config::parse_size(text);
            return bytes ? std::optional(static_cast<std::int64_t>(*bytes)) : std::nullopt;
        }
        const auto time = config::parse_duration(text);
        return time ? std::optional(static_cast<std::int64_t>(time->count())) : std::nullopt;
    }();
    if (!amount)
        origin.refuse(node, key.path, fmt::format("\"{}\" is not {}", text, config::describe(key.type)),
                      fmt::format("For example: {}", key.fallback));
    return *amount;
}

Value read_value(const Origin &origin, const toml::node &node, const Key &key) {
    switch (key.type) {
    case KeyType::unsupported: origin.refuse(node, key.path, key.help, "Remove the key.");
    case KeyType::text:
        if (!node.is_string()) wrong_type(origin, node, key);
        check_choice(origin, node, key, node.as_string()->get());
        return node.as_string()->get();
    case KeyType::boolean:
        if (!node.is_boolean()) wrong_type(origin, node, key);
        return node.as_boolean()->get();
    case KeyType::integer:
        if (!node.is_integer()) wrong_type(origin, node, key);
        check_range(origin, node, key, node.as_integer()->get());
        return node.as_integer()->get();
    case KeyType::duration:
    case KeyType::size: {
        const auto amount = measure(origin, node, key);
        check_range(origin, node, key, amount);
        return amount;
    }
    case KeyType::text_list: {
        if (key.word_or_list && node.is_string()) {
            check_choice(origin, node, key, node.as_string()->get());
            return std::vector{node.as_string()->get()};
        }
        if (!node.is_array()) wrong_type(origin, node, key);
        std::vector<std::string> words;
        for (const auto &item : *node.as_array()) {
            if (!item.is_string()) wrong_type(origin, node, key);
            check_choice(origin, item, key, item.as_string()->get());
            words.push_back(item.as_string()->get());
        }
        return words;
    }
    case KeyType::text_map: {
        if (!node.is_table()) wrong_type(origin, node, key);
        std::map<std::string, std::string> entries;
        for (const auto &[name, entry] : *node.as_table()) {
            if (!entry.is_string()) wrong_type(origin, entry, key);
            entries.emplace(std::string(name.str()), entry.as_string()->get());
        }
        return entries;
    }
    }
    return {};
}

[[noreturn]] void unknown(const Origin &origin, const toml::key &key, const std::string &path) {
    std::vector<std::string> known = config::sections();
    if (path.find('.') != std::string::npos) {
        known.clear();
        for (const auto &candidate : config::task_keys()) known.push_back(candidate.path);
    }
    const auto guess = config::nearest(path, known);
    std::string remedy = guess ? fmt::format("Did you mean {}?", *guess) : "walbridge --help-config lists every key.";
    if (!guess && path.find('.') != std::string::npos) { // the right word in the wrong section
        const auto word = path.substr(path.find('.') + 1);
        for (const auto &candidate : config::task_keys())
            if (candidate.path.ends_with("." + word)) remedy = fmt::format("Did you mean {}?", candidate.path);
    }
    origin.refuse(key.source().begin, path, "unknown key", remedy);
}

GivenEntry read_entry(const Origin &origin, const toml::table &table, const std::string &list) {
    GivenEntry entry{{}, table.source().begin};
    for (const auto &[name, node] : table) {
        const auto path = list + "[]." + std::string(name.str());
        const auto *key = config::find_key(path);
        if (key == nullptr) unknown(origin, name, path);
        entry.keys.insert_or_assign(path, Given{read_value(origin, node, *key), name.source().begin});
    }
    for (const auto &key : config::task_keys())
        if (key.required && key.path.starts_with(list + "[].") && !entry.keys.contains(key.path))
            origin.refuse(table, key.path, "the key is missing", key.help);
    return entry;
}

void collect(const Origin &origin, const toml::table &table, const std::string &prefix, GivenKeys &given,
             GivenLists &lists) {
    for (const auto &[name, node] : table) {
        const auto path = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
        if (config::is_list(path)) {
            const auto *list = node.as_array();
            const bool tables =
                list != nullptr && std::ranges::all_of(*list, [](const auto &e) { return e.is_table(); });
            if (!tables)
                origin.refuse(name.source().begin, path, "expected a list of entries",
                              fmt::format("Write [[{}]] on a line of its own before each.", path));
            for (const auto &entry : *list) lists[path].push_back(read_entry(origin, *entry.as_table(), path));
            continue;
        }
        if (const auto *key = config::find_key(path)) {
            given.insert_or_assign(path, Given{read_value(origin, node, *key), name.source().begin});
            continue;
        }
        const auto sections = config::sections();
        const bool section = prefix.empty() && std::ranges::find(sections, path) != sections.end();
        if (!section) unknown(origin, name, path);
        if (!node.is_table())
            origin.refuse(name.source().begin, path, "expected a section",
                          fmt::format("Write [{}] on a line of its own.", path));
        collect(origin, *node.as_table(), path, given, lists);
    }
}

const std::string *given_text(const GivenKeys &given, const std::string &path) {
    const auto found = given.find(path);
    return found == given.end() ? nullptr : &std::get<std::string>(found->second.value);
}

/// One secret from its two keys; empty when neither is given.
std::string secret(const Origin &origin, const GivenKeys &given, const std::string &stem) {
    const auto *variable = given_text(given, stem + "_env");
    const auto *file = given_text(given, stem + "_file");
    if (variable != nullptr && file != nullptr)
        origin.refuse(given.at(stem + "_file").where, stem + "_file", fmt::format("{}_env is given as well", stem),
                      "Keep one of the two.");
    const auto named = [&](const char *suffix) {
        return fmt::format("{}:{}: {}{}", origin.file, given.at(stem + suffix).where.line, stem, suffix);
    };
    if (variable != nullptr) return config::secret_from_environment(named("_env"), *variable);
    if (file != nullptr) return config::secret_from_file(named("_file"), *file);
    return {};
}

void read_endpoint(const Origin &origin, const GivenKeys &given, const std::string &side, pg::Endpoint &endpoint) {
    const auto &where = given.at(side + ".url").where;
    try {
        const bool inside = pg::parameter(endpoint.url, "password").has_value();
        if (inside)
            log::warning(
                "the password stands in the task file; password_env, password_file or .pgpass keep it out of it",
                {{"key", side + ".url"}});
        if (!pg::parameter(endpoint.url, "dbname"))
            origin.refuse(where, side + ".url", "the connection string names no database",
                          "Add it: postgresql://role@host:5432/database.");
    } catch (const Error &error) {
        if (error.object().starts_with(origin.file)) throw;
        origin.refuse(where, side + ".url", error.reason(), error.remedy());
    }
    endpoint.password = secret(origin, given, side + ".password");
    const auto passphrase = secret(origin, given, side + ".key_passphrase");
    if (!passphrase.empty()) endpoint.url = pg::with_parameter(endpoint.url, "sslpassword", passphrase);
}

config::Refuse refusing(const Origin &origin, const GivenKeys &given) {
    return [&](const std::string &path, const std::string &reason, const std::string &remedy) {
        const auto found = given.find(path);
        origin.refuse(found == given.end() ? toml::source_position{1, 1} : found->second.where, path, reason, remedy);
    };
}

void read_mysql_endpoint(const Origin &origin, const GivenKeys &given, pg::Endpoint &endpoint) {
    const auto passphrase = secret(origin, given, "target.key_passphrase");
    if (config::read_mysql_url(endpoint, passphrase, refusing(origin, given)))
        log::warning("the password stands in the task file; password_env or password_file keep it out of it",
                     {{"key", "target.url"}});
    endpoint.password = secret(origin, given, "target.password");
}

void read_schema_renames(const Origin &origin, const GivenLists &lists, config::RenameReader &renames) {
    const auto found = lists.find("objects.schema");
    if (found == lists.end()) return;
    for (const auto &entry : found->second) {
        const auto &rename = entry.keys.at("objects.schema[].rename");
        try {
            renames.schema(*given_text(entry.keys, "objects.schema[].name"), std::get<std::string>(rename.value));
        } catch (const Error &error) {
            origin.refuse(rename.where, "objects.schema", error.reason(), error.remedy());
        }
    }
}

config::TableEntry table_entry(const Origin &origin, const GivenEntry &given) {
    config::TableEntry entry;
    const auto take = [&](const char *key, auto &into) {
        const auto found = given.keys.find(std::string("objects.table[].") + key);
        if (found == given.keys.end()) return;
        into = std::get<typename std::decay_t<decltype(into)>::value_type>(found->second.value);
    };
    entry.name = *given_text(given.keys, "objects.table[].name");
    take("rename", entry.rename);
    take("conflict", entry.conflict);
    take("where", entry.where);
    take("operations", entry.operations);
    take("include_columns", entry.include_columns);
    take("exclude_columns", entry.exclude_columns);
    take("values", entry.values);
    take("columns", entry.columns);
    take("types", entry.types);
    take("rename_columns", entry.rename_columns);
    take("add_columns", entry.add_columns);
    entry.refuse = [&origin, &given](const std::string &key, const std::string &reason, const std::string &remedy) {
        const auto path = "objects.table[]." + key;
        const auto found = given.keys.find(path);
        origin.refuse(found == given.keys.end() ? given.where : found->second.where, path, reason, remedy);
    };
    return entry;
}

void read_objects(const Origin &origin, const GivenKeys &given, const GivenLists &lists, TaskConfig &task) {
    config::RenameReader renames;
    if (const auto *letters = given_text(given, "objects.case"))
        renames.letters(*letters == "lower"   ? Letters::lower
                        : *letters == "upper" ? Letters::upper
                                              : Letters::as_source);
    read_schema_renames(origin, lists, renames);
    std::vector<config::TableEntry> entries;
    if (const auto found = lists.find("objects.table"); found != lists.end())
        for (const auto &entry : found->second) entries.push_back(table_entry(origin, entry));
    config::read_table_entries(entries, renames, task);
    task.names = renames.take();
}

void check_together(const Origin &origin, const GivenKeys &given, const TaskConfig &task) {
    const auto where = [&](const std::string &path) {
        const auto found = given.find(path);
        return found == given.end() ? toml::source_position{1, 1} : found->second.where;
    };
    if (!config::valid_task_name(task.name))
        origin.refuse(where("task.name"), "task.name", fmt::format("\"{}\" is not a task name", task.name),
                      "Use 1 to 40 of the characters a-z, 0-9 and _.");
    if (config::is_sync_task_name(task.name))
        origin.refuse(where("task.name"), "task.name",
                      fmt::format("\"{}\" is the name of a task that brings tables for another, which would remove it",
                                  task.name),
                      "Do not end the name in _sync_ and a number.");
    if (!task.schema_stage && !task.full_stage && !task.incremental_stage)
        origin.refuse(where("task.stages"), "task.stages", "the list is empty",
                      "Name at least one of schema, full and incremental.");
    if (!task.reverse_of.empty() && (task.reverse_of == task.name || !config::valid_task_name(task.reverse_of)))
        origin.refuse(where("task.reverse_of"), "task.reverse_of",
                      fmt::format("\"{}\" is not the name of another task", task.reverse_of),
                      "Name the task whose way back this one is, or remove the key.");
    if (!task.reverse_of.empty() && (task.schema_stage || task.full_stage))
        origin.refuse(where("task.stages"), "task.stages", "the way back of a running task copies nothing",
                      "Write task.stages = [\"incremental\"].");
    if (!task.reverse_of.empty() && !task.ddl.off())
        origin.refuse(where("ddl.classes"), "ddl.classes",
                      "the way back of a running task leaves DDL out: the forward task brings it",
                      "Write ddl.classes = [\"none\"].");
    if (task.objects.include.empty())
        origin.refuse(where("objects.include"), "objects.include", "the list is empty",
                      "Leave the key out to replicate every table.");
    if (task.objects.existing_rows == "overwrite" && task.objects.existing != "proceed")
        origin.refuse(where("objects.existing_rows"), "objects.existing_rows",
                      "tables of the target that hold rows are refused",
                      "Write objects.existing = \"proceed\" too, or remove the key.");
    if (task.retry.other >= task.retry.connection)
        origin.refuse(where(given.contains("retry.other") ? "retry.other" : "retry.connection"), "retry.other",
                      fmt::format("{}min is not less than retry.connection, {}min", task.retry.other.count(),
                                  task.retry.connection.count()),
                      "Choose a shorter retry.other or a longer retry.connection.");
    if (!task.alert.webhook.empty())
        if (const auto flaw = config::webhook_flaw(task.alert.webhook))
            origin.refuse(where("alert.webhook"), "alert.webhook", *flaw,
                          "Write https://host[:port]/path; a token belongs into alert.webhook_token_env.");
    if (task.slot.on_limit == "drop" && task.slot.retained_limit == 0)
        origin.refuse(where("slot.on_limit"), "slot.on_limit", "\"drop\" needs a limit",
                      "Set slot.retained_limit, for example to \"200GB\".");
    if (task.slot.retained_limit != 0 && task.slot.retained_warning >= task.slot.retained_limit &&
        given.contains("slot.retained_warning"))
        origin.refuse(where("slot.retained_warning"), "slot.retained_warning",
                      "the warning is not below slot.retained_limit", "Choose a smaller warning or a larger limit.");
    for (const auto *word : {"all", "none"})
        if (task.ddl.classes.size() > 1 && std::ranges::find(task.ddl.classes, word) != task.ddl.classes.end())
            origin.refuse(where("ddl.classes"), "ddl.classes", fmt::format("\"{}\" stands beside other classes", word),
                          fmt::format("Write ddl.classes = \"{}\", or name classes only.", word));
    if (task.conflict.origins == "off" && task.conflict.decided_by_time())
        origin.refuse(where("conflict.origins"), "conflict.origins",
                      "\"off\", and the times of commits are to decide conflicts",
                      "Remove the key, or choose fail, ignore or overwrite as policies.");
    const bool mapped = task.schema.owner == "map" || task.schema.grants == "map";
    if (mapped && task.roles.empty())
        origin.refuse(where(task.schema.owner == "map" ? "schema.owner" : "schema.grants"), "roles",
                      "roles are to be mapped and no role is named",
                      "Add a section [roles] with lines such as app_owner = \"other_name\", or use \"keep\".");
    if (!mapped && !task.roles.empty())
        origin.refuse(where("roles"), "roles", "neither schema.owner nor schema.grants is \"map\"",
                      "Set schema.owner = \"map\" and schema.grants = \"map\", or remove the section.");
    if (task.schema.owner == "none" && task.ddl.run_as.empty() && !task.ddl.off())
        origin.refuse(where("schema.owner"), "ddl.run_as",
                      "objects belong to walbridge's own role (schema.owner = \"none\"), and DDL of the source would "
                      "run with its rights",
                      "Name the role that DDL runs as (ddl.run_as), set ddl.classes = \"none\", or keep the owners.");
    for (const auto *path : {"objects.include", "objects.exclude"})
        for (const auto &pattern :
             path == std::string_view("objects.include") ? task.objects.include : task.objects.exclude) {
            try {
                const wire::ObjectPattern probe(pattern);
            } catch (const wire::PatternError &error) {
                origin.refuse(where(path), path, fmt::format("\"{}\": {}", pattern, error.what()),
                              "Write schema.table with * and ?; quote names that hold other characters: \"My "
                              "Schema\".\"My Table\".");
            }
        }
}

} // namespace

TaskConfig parse_task_config(std::string_view text, const std::string &file) {
    const Origin origin{file};
    toml::table document;
    try {
        document = toml::parse(text, file);
    } catch (const toml::parse_error &error) {
        throw Error(ErrorKind::configuration, fmt::format("{}:{}", file, error.source().begin.line),
                    std::string(error.description()), "The task file is TOML; strings stand in double quotes.");
    }
    GivenKeys given;
    GivenLists lists;
    collect(origin, document, "", given, lists);

    TaskConfig task;
    for (const auto &key : config::task_keys()) {
        const auto found = given.find(key.path);
        if (found == given.end()) {
            if (key.required && key.path.find("[]") == std::string::npos)
                throw Error(ErrorKind::configuration, fmt::format("{}: {}", file, key.path), "the key is missing",
                            key.help);
            continue;
        }
        if (key.store != nullptr) key.store(task, found->second.value);
    }
    read_endpoint(origin, given, "source", task.source.endpoint);
    if (task.target.kind == "postgresql")
        read_endpoint(origin, given, "target", task.target.endpoint);
    else
        read_mysql_endpoint(origin, given, task.target.endpoint);
    for (const auto &[path, one] : given) task.given.emplace(path, config::written(*config::find_key(path), one.value));
    task.alert.webhook_token = secret(origin, given, "alert.webhook_token");
    read_objects(origin, given, lists, task);
    check_together(origin, given, task);
    if (task.target.kind != "postgresql") {
        config::suit_mysql_target(task, refusing(origin, given));
    }
    return task;
}

TaskConfig load_task_config(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream content;
    if (in) content << in.rdbuf();
    if (!in || content.fail())
        throw Error(ErrorKind::configuration, path, "the task file cannot be read",
                    "Give the path of a task file; walbridge --help shows an example.");
    return parse_task_config(content.str(), path);
}

} // namespace walbridge
