// command_test.cpp: real commands: what they get, how they fail, and how long they may take.
#include "alert/command.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

using namespace walbridge::alert;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(the_json_stands_on_standard_input) {
    const std::string json = R"({"event":"lag"})";
    BOOST_TEST(Command("test \"$(cat)\" = '" + json + "'").carry(json).delivered);
    BOOST_TEST(Command("true").carry(std::string(60'000, 'x')).delivered);                 // reads nothing
    BOOST_TEST(Command("exec <&-; sleep 0.3").carry(std::string(300'000, 'x')).delivered); // nor ever will
    BOOST_TEST(Command("test $(wc -c) -eq 300000").carry(std::string(300'000, 'x')).delivered);
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_with_its_last_words) {
    const auto outcome = Command("echo no such pager >&2; exit 3").carry("{}");
    BOOST_TEST(!outcome.delivered);
    BOOST_TEST(outcome.detail == "exit code 3: no such pager");
    BOOST_TEST(Command("kill -9 $$").carry("{}").detail == "ended by signal 9");
    BOOST_TEST(!Command("yes | head -c 5000000; exit 1").carry("{}").delivered); // much output does not block it
}

BOOST_AUTO_TEST_CASE(secrets_of_our_environment_are_not_passed_on) {
    setenv("PGPASSWORD", "secret", 1);      // NOLINT(concurrency-mt-unsafe)
    setenv("SOURCE_PASSWORD", "secret", 1); // NOLINT(concurrency-mt-unsafe)
    BOOST_TEST(Command("! env | grep -q secret").carry("{}").delivered);
    BOOST_TEST(Command("test -n \"$PATH\"").carry("{}").delivered);
}

BOOST_AUTO_TEST_CASE(a_command_that_hangs_is_ended_with_what_it_started) {
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = Command("sleep 60 & sleep 60; wait", 200ms).carry("{}");
    BOOST_TEST(!outcome.delivered);
    BOOST_TEST(outcome.detail.starts_with("ended after"));
    BOOST_TEST((std::chrono::steady_clock::now() - began < 20s));
}

BOOST_AUTO_TEST_CASE(an_abort_ends_it_and_every_later_one) {
    Command command("sleep 60");
    command.abort();
    BOOST_TEST(!command.carry("{}").delivered);
}

BOOST_AUTO_TEST_SUITE_END()
