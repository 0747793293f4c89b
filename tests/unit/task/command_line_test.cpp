// command_line_test.cpp: what a command line means, and that nothing is guessed.
#include "base/error.hpp"
#include "service/cli.hpp"
#include "service/commands.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::service;

namespace {

std::string usage_of(const std::vector<std::string> &arguments) {
    try {
        (void)parse_command_line(arguments);
    } catch (const Error &error) {
        BOOST_TEST((error.kind() == ErrorKind::usage));
        return error.object() + " | " + error.reason() + " | " + error.remedy();
    }
    BOOST_FAIL("accepted");
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(commands_take_a_task_file_and_their_options) {
    const auto run = parse_command_line({"run", "orders.toml", "--log-format", "json"});
    BOOST_TEST(run.command == "run");
    BOOST_TEST(run.task_file == "orders.toml");
    BOOST_TEST(run.log_format.value() == "json");
    const auto precheck = parse_command_line({"precheck", "--json", "--only", "a", "--only", "b", "orders.toml"});
    BOOST_TEST(precheck.json);
    BOOST_TEST(precheck.only.size() == 2u);
    BOOST_TEST(parse_command_line({"wait", "o.toml", "--timeout", "2s"}).timeout.value().count() == 2000);
    BOOST_TEST(!parse_command_line({"wait", "o.toml"}).timeout.has_value());
    const auto reset = parse_command_line({"reset", "o.toml", "--truncate", "--yes"});
    BOOST_TEST((reset.truncate && reset.yes));
}

BOOST_AUTO_TEST_CASE(an_action_stands_before_the_task_file_and_its_id_behind) {
    const auto list = parse_command_line({"ddl", "list", "orders.toml", "--json"});
    BOOST_TEST(list.command == "ddl");
    BOOST_TEST(list.action == "list");
    BOOST_TEST(list.task_file == "orders.toml");
    const auto dismiss = parse_command_line({"ddl", "dismiss", "orders.toml", "12"});
    BOOST_TEST(dismiss.action == "dismiss");
    BOOST_TEST(dismiss.id == "12");
    BOOST_TEST((usage_of({"ddl", "orders.toml"}).find("list") != std::string::npos));
    BOOST_TEST((usage_of({"ddl", "list"}).find("TASK.toml") != std::string::npos));
    BOOST_TEST((usage_of({"ddl", "retry", "orders.toml"}).find("ID") != std::string::npos));
    BOOST_TEST((usage_of({"ddl", "list", "orders.toml", "12"}).find("too many") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(the_action_may_come_behind_the_task_file) {
    const auto show = parse_command_line({"conflicts", "orders.toml", "show", "12"});
    BOOST_TEST(show.action == "show");
    BOOST_TEST(show.task_file == "orders.toml");
    BOOST_TEST(show.id == "12");
}

BOOST_AUTO_TEST_CASE(conflicts_are_chosen_by_id_or_by_what_they_are) {
    const auto list = parse_command_line({"conflicts", "list", "o.toml", "--open", "--table", "public.t", "--kind",
                                          "insert_exists", "--kind", "update_exists", "--since", "2h", "--limit", "5"});
    BOOST_TEST((list.open && list.tables.size() == 1 && list.kinds.size() == 2));
    BOOST_TEST(list.since == "2h");
    BOOST_TEST(list.limit.value() == 5);
    const auto some = parse_command_line({"conflicts", "resolve", "o.toml", "3", "4", "--edit", "{}"});
    BOOST_TEST((some.words == std::vector<std::string>{"3", "4"}));
    BOOST_TEST(some.edit.value() == "{}");
    BOOST_TEST((parse_command_line({"conflicts", "resolve", "o.toml", "--all", "--overwrite", "--force"}).force));
    BOOST_TEST((usage_of({"conflicts", "list", "o.toml", "--limit", "-1x"}).find("--limit") != std::string::npos));
    BOOST_TEST((usage_of({"conflicts", "list", "o.toml", "12"}).find("too many") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(explain_takes_a_table_and_a_key_behind_the_task_file) {
    const auto explain = parse_command_line({"explain", "o.toml", "public.t", "a=1", "b=x y", "--json"});
    BOOST_TEST((explain.words == std::vector<std::string>{"public.t", "a=1", "b=x y"}));
    BOOST_TEST(explain.task_file == "o.toml");
}

BOOST_AUTO_TEST_CASE(objects_are_shown_when_nothing_else_is_asked) {
    for (const auto &words : {std::vector<std::string>{"objects", "o.toml", "--all"},
                              {"objects", "show", "o.toml", "--all"},
                              {"objects", "o.toml", "show", "--all"}}) {
        const auto line = parse_command_line(words);
        BOOST_TEST(line.action == "show");
        BOOST_TEST(line.task_file == "o.toml");
        BOOST_TEST(line.all);
    }
    const auto add = parse_command_line({"objects", "o.toml", "add", "public.a", "b.*", "--wait", "--truncate"});
    BOOST_TEST(add.action == "add");
    BOOST_TEST((add.words == std::vector<std::string>{"public.a", "b.*"}));
    BOOST_TEST((add.wait && add.truncate));
    BOOST_TEST((usage_of({"objects"}).find("TASK.toml") != std::string::npos));
    BOOST_TEST((usage_of({"objects", "frobnicate", "o.toml"}).find("add") != std::string::npos));
    const auto resync = parse_command_line({"resync", "o.toml", "public.a"});
    BOOST_TEST((resync.words == std::vector<std::string>{"public.a"}));
}

BOOST_AUTO_TEST_CASE(texts_need_no_task_file) {
    BOOST_TEST(parse_command_line({"--version"}).command == "version");
    BOOST_TEST(parse_command_line({"--help"}).command == "help");
    BOOST_TEST(parse_command_line({"wait", "--help"}).topic == "wait");
    BOOST_TEST(parse_command_line({"help", "reset"}).topic == "reset");
    BOOST_TEST(parse_command_line({"--help-config"}).command == "help-config");
}

BOOST_AUTO_TEST_CASE(mistakes_are_named_with_what_was_probably_meant) {
    BOOST_TEST((usage_of({"rnu", "o.toml"}).find("walbridge run") != std::string::npos));
    BOOST_TEST((usage_of({"status", "o.toml", "--jsn"}).find("--json") != std::string::npos));
    BOOST_TEST((usage_of({}).find("--help") != std::string::npos));
    BOOST_TEST((usage_of({"run"}).find("TASK.toml") != std::string::npos));
    BOOST_TEST((usage_of({"run", "a", "b"}).find("one argument too many") != std::string::npos));
    BOOST_TEST((usage_of({"wait", "o.toml", "--timeout", "2"}).find("unit") != std::string::npos));
    BOOST_TEST((usage_of({"wait", "o.toml", "--timeout"}).find("timeout") != std::string::npos));
    BOOST_TEST((usage_of({"run", "o.toml", "--log-level", "loud"}).find("debug") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(options_belong_to_commands_and_are_never_abbreviated) {
    BOOST_TEST((usage_of({"run", "o.toml", "--truncate"}).find("does not take this option") != std::string::npos));
    BOOST_TEST((usage_of({"reset", "o.toml", "--trunc"}).find("--truncate") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(every_command_is_explained_with_an_example) {
    for (const auto &command : commands()) {
        BOOST_TEST((help("").find(command.name) != std::string::npos), command.name);
        const auto action = command.actions.empty() ? "" : command.actions.front() + " ";
        BOOST_TEST(
            (help(command.name).find("walbridge " + command.name + " " + action + "orders.toml") != std::string::npos),
            command.name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
