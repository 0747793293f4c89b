// commands.hpp: the table of commands: name, texts, the options it takes, and what runs it.
#pragma once

#include "config/task_config.hpp"
#include "service/cli.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::service {

struct CommandEntry {
    std::string name;
    std::string summary;              ///< one line
    std::string details;              ///< help of the command, with examples
    std::vector<std::string> options; ///< beside those of every command
    int (*run)(const TaskConfig &, const CommandLine &) = nullptr;
    std::vector<std::string> actions{};          ///< words that follow the command's name; empty = none
    std::vector<std::string> actions_on_id{};    ///< those of them that take an id behind the task file
    std::vector<std::string> actions_on_words{}; ///< those of them that take any number of words there
    bool takes_words = false;                    ///< without actions: any number of words behind the task file
    std::string usual_action{};                  ///< of commands with actions: what is meant when none is given
};

[[nodiscard]] const std::vector<CommandEntry> &commands();
/// nullptr when there is none of that name.
[[nodiscard]] const CommandEntry *find_command(std::string_view name);

} // namespace walbridge::service
