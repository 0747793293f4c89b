// cli.cpp: parses the command line with Boost.Program_options and turns every failure into three lines and an exit
// code.
#include "service/cli.hpp"

#include "base/error.hpp"
#include "config/task_file.hpp"
#include "config/task_keys.hpp"
#include "config/value_text.hpp"
#include "service/commands.hpp"
#include "service/version.hpp"
#include "task/object_changes.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cstdio>
#include <fmt/format.h>

namespace walbridge::service {
namespace {

namespace options = boost::program_options;

const std::vector<std::string> common_options{"help", "version", "help-config", "log-level", "log-format"};

options::options_description known_options() {
    options::options_description known;
    // clang-format off
    known.add_options()
        ("help", "")("version", "")("help-config", "")
        ("json", "")("truncate", "")("yes", "")
        ("statements", "")("values", "")("still", "")("repair", "")("resume", "")
        ("repair-script", options::value<std::string>(), "")
        ("mode", options::value<std::string>(), "")
        ("range-size", options::value<std::string>(), "")
        ("table", options::value<std::vector<std::string>>()->composing(), "")
        ("sample", options::value<std::string>(), "")
        ("only", options::value<std::vector<std::string>>()->composing(), "")
        ("timeout", options::value<std::string>(), "")
        ("dry-run", "")("wait-quiet", "")("no-reverse", "")("undo", "")("remove", "")
        ("accept", options::value<std::vector<std::string>>()->composing(), "")
        ("reverse-name", options::value<std::string>(), "")
        ("verify", options::value<std::string>(), "")
        ("wait", "")("open", "")("all", "")("skip", "")("overwrite", "")("replay", "")("force", "")
        ("edit", options::value<std::string>(), "")
        ("kind", options::value<std::vector<std::string>>()->composing(), "")
        ("since", options::value<std::string>(), "")
        ("limit", options::value<std::string>(), "")
        ("log-level", options::value<std::string>(), "")
        ("log-format", options::value<std::string>(), "")
        ("words", options::value<std::vector<std::string>>(), "");
    // clang-format on
    return known;
}

[[noreturn]] void usage(const std::string &object, const std::string &reason, const std::string &remedy) {
    throw Error(ErrorKind::usage, object, reason, remedy);
}

[[noreturn]] void unknown_command(const std::string &word) {
    std::vector<std::string> names;
    for (const auto &command : commands()) names.push_back(command.name);
    const auto guess = config::nearest(word, names);
    usage(word, "unknown command",
          guess ? fmt::format("Did you mean walbridge {}?", *guess)
                : fmt::format("Commands are {}.", config::enumerate(names)));
}

options::variables_map parse(const std::vector<std::string> &arguments) {
    const auto known = known_options();
    options::positional_options_description positions;
    positions.add("words", -1);
    options::variables_map given;
    using namespace options::command_line_style;
    try {
        // Abbreviations are not guessed: --trunc must not truncate.
        options::store(options::command_line_parser(arguments)
                           .options(known)
                           .positional(positions)
                           .style(unix_style & ~allow_guessing)
                           .run(),
                       given);
        options::notify(given);
    } catch (const options::unknown_option &error) {
        const auto name = error.get_option_name();
        std::vector<std::string> names;
        for (const auto &option : known.options())
            if (option->long_name() != "words") names.push_back("--" + option->long_name());
        const auto guess = config::nearest(name, names);
        usage(name, "unknown option",
              guess ? fmt::format("Did you mean {}?", *guess) : "walbridge --help lists the options.");
    } catch (const options::error_with_option_name &error) {
        usage(error.get_option_name(), error.what(), "walbridge --help lists the options.");
    } catch (const options::error &error) {
        usage("command line", error.what(), "walbridge --help lists the options.");
    }
    return given;
}

void check_options(const CommandEntry &command, const options::variables_map &given) {
    for (const auto &[name, value] : given) {
        if (name == "words" || std::ranges::find(common_options, name) != common_options.end()) continue;
        if (std::ranges::find(command.options, name) == command.options.end())
            usage("--" + name, fmt::format("walbridge {} does not take this option", command.name),
                  fmt::format("See walbridge {} --help.", command.name));
    }
}

template <class T> std::optional<T> optional_value(const options::variables_map &given, const char *name) {
    if (given.count(name) == 0) return std::nullopt;
    return given[name].as<T>();
}

/// Commands that ask a PostgreSQL target what other databases cannot answer yet.
void refuse_for_target(const TaskConfig &task, const std::string &command) {
    static const std::vector<std::string> postgres_only{"plan",   "schema",  "switchover", "switchback",
                                                        "verify", "reverse", "explain",    "conflicts"};
    if (task.target.kind == "postgresql" || std::ranges::find(postgres_only, command) == postgres_only.end()) return;
    throw Error(ErrorKind::usage, "walbridge " + command,
                fmt::format("this version cannot do that with a target of kind \"{}\"", task.target.kind),
                "docs/mysql.md says what it can.");
}

int dispatch(const std::vector<std::string> &arguments) {
    const auto line = parse_command_line(arguments);
    if (line.command == "help") {
        fmt::print("{}", help(line.topic));
        return 0;
    }
    if (line.command == "version") {
        fmt::print("walbridge {}\n", version);
        return 0;
    }
    if (line.command == "help-config") {
        fmt::print("{}", config::reference());
        return 0;
    }
    const auto level = line.log_level ? log::parse_level(*line.log_level) : std::optional(log::Level::info);
    log::configure(line.log_format == "json" ? log::Format::json : log::Format::text, *level, "");
    auto task = load_task_config(line.task_file);
    if (line.log_level) task.log.level = *level;
    if (line.log_format) task.log.format = *line.log_format == "json" ? log::Format::json : log::Format::text;
    // A question is answered without chatter; only `run` writes the log that the task file asks for.
    const bool chatty = line.command == "run" || line.log_level;
    log::configure(task.log.format, chatty ? task.log.level : std::max(task.log.level, log::Level::warning), task.name);
    refuse_for_target(task, line.command);
    // Commands that ask which tables the task has go by the selection that is in force.
    static const std::vector<std::string> by_selection{"precheck",   "plan",    "schema",  "verify", "switchover",
                                                       "switchback", "reverse", "explain", "ddl"};
    if (std::ranges::find(by_selection, line.command) != by_selection.end()) task = task::with_stored_objects(task);
    return find_command(line.command)->run(task, line);
}

} // namespace

CommandLine parse_command_line(const std::vector<std::string> &arguments) {
    const auto given = parse(arguments);
    auto words = given.count("words") != 0 ? given["words"].as<std::vector<std::string>>() : std::vector<std::string>{};
    CommandLine line;
    if (given.count("version") != 0) {
        line.command = "version";
        return line;
    }
    if (given.count("help-config") != 0) {
        line.command = "help-config";
        return line;
    }
    if (given.count("help") != 0 || (!words.empty() && words.front() == "help")) {
        const std::size_t at = !words.empty() && words.front() == "help" ? 1 : 0;
        line.command = "help";
        if (words.size() > at) line.topic = words[at];
        if (!line.topic.empty() && find_command(line.topic) == nullptr) unknown_command(line.topic);
        return line;
    }
    if (words.empty()) usage("command line", "no command was given", "walbridge --help lists the commands.");
    const auto *command = find_command(words[0]);
    if (command == nullptr) unknown_command(words[0]);
    check_options(*command, given);
    auto usual = words[0];
    std::size_t at = 1;
    bool on_id = false, on_words = command->takes_words;
    if (!command->actions.empty()) {
        const auto is_action = [&](const std::string &word) {
            return std::ranges::find(command->actions, word) != command->actions.end();
        };
        // The task file may come first, as everywhere else.
        if (words.size() > 2 && !is_action(words[1]) && is_action(words[2])) std::swap(words[1], words[2]);
        if (!command->usual_action.empty() && words.size() == 2 && !is_action(words[1]))
            words.insert(words.begin() + 1, command->usual_action);
        if (words.size() < 2 || std::ranges::find(command->actions, words[1]) == command->actions.end())
            usage(words.size() < 2 ? words[0] : words[1], "what to do is missing",
                  fmt::format("walbridge {} {} TASK.toml", words[0], config::enumerate(command->actions)));
        line.action = words[at++];
        on_id = std::ranges::find(command->actions_on_id, line.action) != command->actions_on_id.end();
        on_words = std::ranges::find(command->actions_on_words, line.action) != command->actions_on_words.end();
        usual = words[0] + " " + line.action;
    }
    const auto form = fmt::format("walbridge {} TASK.toml{}", usual, on_id ? " ID" : "");
    if (words.size() < at + 1) usage(words[0], "the task file is missing", form);
    if (on_id && words.size() < at + 2) usage(words[0], "the id is missing", form);
    if (!on_words && words.size() > at + (on_id ? 2 : 1))
        usage(words[at + (on_id ? 2 : 1)], "one argument too many", form);

    line.command = words[0];
    line.task_file = words[at];
    if (on_id) line.id = words[at + 1];
    if (on_words) line.words.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    line.json = given.count("json") != 0;
    line.truncate = given.count("truncate") != 0;
    line.yes = given.count("yes") != 0;
    line.dry_run = given.count("dry-run") != 0;
    line.wait_quiet = given.count("wait-quiet") != 0;
    line.no_reverse = given.count("no-reverse") != 0;
    line.undo = given.count("undo") != 0;
    line.remove = given.count("remove") != 0;
    if (auto ids = optional_value<std::vector<std::string>>(given, "accept")) line.accept = std::move(*ids);
    line.reverse_name = optional_value<std::string>(given, "reverse-name").value_or("");
    line.verify = optional_value<std::string>(given, "verify").value_or("");
    if (const std::vector<std::string> modes{"changed", "count", "full", "none"};
        !line.verify.empty() && std::ranges::find(modes, line.verify) == modes.end())
        usage("--verify", fmt::format("\"{}\" is not a kind of verification", line.verify),
              fmt::format("Use {}.", config::enumerate(modes)));
    if (auto ids = optional_value<std::vector<std::string>>(given, "only")) line.only = std::move(*ids);
    if (const auto text = optional_value<std::string>(given, "timeout")) {
        line.timeout = config::parse_duration(*text);
        if (!line.timeout)
            usage("--timeout", fmt::format("\"{}\" is not a duration", *text), "Write it with a unit: --timeout 30s.");
    }
    line.statements = given.count("statements") != 0;
    line.values = given.count("values") != 0;
    line.wait = given.count("wait") != 0;
    line.still = given.count("still") != 0;
    line.repair = given.count("repair") != 0;
    line.resume = given.count("resume") != 0;
    line.repair_script = optional_value<std::string>(given, "repair-script").value_or("");
    line.mode = optional_value<std::string>(given, "mode");
    line.range_size = optional_value<std::string>(given, "range-size");
    line.tables = optional_value<std::vector<std::string>>(given, "table").value_or(std::vector<std::string>{});
    if (const auto text = optional_value<std::string>(given, "sample"); text && line.command == "verify") {
        char *end = nullptr;
        line.percent = std::strtod(text->c_str(), &end);
        if (*end == '%') ++end;
        if (*end != '\0' || !(*line.percent > 0) || *line.percent > 100)
            usage("--sample", fmt::format("\"{}\" is not a percentage", *text), "Write for example --sample 5.");
    } else if (text) {
        line.sample = config::parse_duration(*text);
        if (!line.sample) line.sample = config::parse_duration(*text + "s"); // a number alone is seconds
        if (!line.sample || *line.sample > std::chrono::minutes(10))
            usage("--sample", fmt::format("\"{}\" is not a time of at most 10 minutes", *text),
                  "Write seconds, or a duration with a unit: --sample 5.");
    }
    line.open = given.count("open") != 0;
    line.all = given.count("all") != 0;
    line.skip = given.count("skip") != 0;
    line.overwrite = given.count("overwrite") != 0;
    line.replay = given.count("replay") != 0;
    line.force = given.count("force") != 0;
    line.edit = optional_value<std::string>(given, "edit");
    line.kinds = optional_value<std::vector<std::string>>(given, "kind").value_or(std::vector<std::string>{});
    line.since = optional_value<std::string>(given, "since").value_or("");
    if (const auto text = optional_value<std::string>(given, "limit")) {
        int limit = 0;
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
        if (error != std::errc{} || end != text->data() + text->size() || limit < 0)
            usage("--limit", fmt::format("\"{}\" is not a number", *text), "Write for example --limit 100; 0 = all.");
        line.limit = limit;
    }
    line.log_level = optional_value<std::string>(given, "log-level");
    if (line.log_level && !log::parse_level(*line.log_level))
        usage("--log-level", fmt::format("\"{}\" is not a level", *line.log_level),
              "Use debug, info, warning or error.");
    line.log_format = optional_value<std::string>(given, "log-format");
    if (line.log_format && line.log_format != "text" && line.log_format != "json")
        usage("--log-format", fmt::format("\"{}\" is not a format", *line.log_format), "Use text or json.");
    return line;
}

int run_command_line(const std::vector<std::string> &arguments) {
    try {
        return dispatch(arguments);
    } catch (const Error &error) {
        fmt::print(stderr, "error: {}\nreason: {}\n",
                   error.object().empty() ? std::string(name_of(error.kind())) : error.object(), error.reason());
        if (!error.remedy().empty()) fmt::print(stderr, "remedy: {}\n", error.remedy());
        return error.exit_code();
    } catch (const std::exception &error) {
        fmt::print(
            stderr,
            "error: walbridge\nreason: {}\nremedy: This is a defect of walbridge; please report it with the log.\n",
            error.what());
        return static_cast<int>(ErrorKind::internal);
    }
}

} // namespace walbridge::service
