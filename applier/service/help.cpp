// help.cpp: the help texts: what each command does, with examples, and the exit codes.
#include "config/value_text.hpp"
#include "service/cli.hpp"
#include "service/commands.hpp"

#include <fmt/format.h>

namespace walbridge::service {
namespace {

constexpr const char *overview_end = R"(
Options of every command:
  --log-level LEVEL       debug, info, warning or error (default: the task file's)
  --log-format FORMAT     text or json
  --help                  this text; walbridge COMMAND --help tells more about one
  --version

  walbridge --help-config  every key of a task file

Examples:
  walbridge precheck orders.toml          what is missing, with the statement that mends it
  walbridge run orders.toml               copy and follow until stopped (Ctrl-C or walbridge stop)
  walbridge status orders.toml --json     stage, positions and lag for scripts
  walbridge wait orders.toml --timeout 30s && echo "everything committed so far is on the target"
  walbridge release orders.toml           the end: slot and state are removed, the data stays

A task file:
  [task]
  name = "orders"
  [source]
  url = "postgresql://repl@10.0.0.5/shop?sslmode=verify-full"
  password_env = "SOURCE_PASSWORD"
  [target]
  url = "postgresql://writer@10.0.1.9/shop"
  [objects]
  include = ["public.*", "billing.invoice*"]
  exclude = ["public.audit_*"]

Exit codes:
  0 done   1 internal   2 usage   3 task file   4 precheck
  10 connection   11 authentication   12 permission   13 resource
  20 slot missing   21 slot recreated   22 slot advanced   23 source replaced   24 source restored
  25 database replaced   26 slot in use   27 fenced   28 slot lost
  29 slot dropped at its limit
  30 protocol   31 stream gap
  40 conflict   41 unidentified row   42 target shape   43 target data   44 schema stage   45 copy stage   46 plugin
  47 DDL   48 schemas differ   49 data differs
  50 not possible in this state   51 timeout
)";

} // namespace

std::string help(const std::string &topic) {
    if (const auto *command = find_command(topic))
        return fmt::format("Usage: walbridge {}{} TASK.toml [options]\n\n{}\n", command->name,
                           command->actions.empty() ? "" : " ACTION", command->details);
    std::string text = "walbridge: exact live copies of PostgreSQL databases\n\nUsage: walbridge COMMAND TASK.toml "
                       "[options]\n\nCommands:\n";
    for (const auto &command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
    return text + overview_end;
}

} // namespace walbridge::service
