// value_text_test.cpp: durations, sizes, names and guesses.
#include "config/value_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::config;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_SUITE(value_text)

BOOST_AUTO_TEST_CASE(durations_need_a_unit) {
    BOOST_TEST((parse_duration("250ms") == milliseconds(250)));
    BOOST_TEST((parse_duration("10s") == milliseconds(10'000)));
    BOOST_TEST((parse_duration("720min") == milliseconds(43'200'000)));
    BOOST_TEST((parse_duration("2 h") == milliseconds(7'200'000)));
    BOOST_TEST((parse_duration("7d") == milliseconds(604'800'000)));
    BOOST_TEST((parse_duration("0") == milliseconds(0)));
    for (const auto *text :
         {"", "10", "s", "-1s", "1.5s", "10 parsecs", "10m", "99999999999999999999s", "9223372036854775807d"})
        BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(sizes_are_powers_of_1024_or_bytes) {
    BOOST_TEST(parse_size("1000").value() == 1000u);
    BOOST_TEST(parse_size("64kB").value() == 65536u);
    BOOST_TEST(parse_size("64MB").value() == std::uint64_t{64} << 20);
    BOOST_TEST(parse_size("2TB").value() == std::uint64_t{2} << 40);
    for (const auto *text : {"", "64mb", "MB", "-1", "1.5GB", "99999999TB"})
        BOOST_TEST(!parse_size(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read_again) {
    for (const auto *text : {"1ms", "10s", "12h", "2d", "30min"})
        BOOST_TEST(format_duration(parse_duration(text).value()) == text);
    for (const auto *text : {"1000", "64kB", "256MB", "1GB"}) BOOST_TEST(format_size(parse_size(text).value()) == text);
}

BOOST_AUTO_TEST_CASE(task_names_are_short_and_plain) {
    BOOST_TEST(valid_task_name("orders_2"));
    BOOST_TEST(valid_task_name(std::string(40, 'x')));
    for (const auto &name : {std::string(), std::string(41, 'x'), std::string("Orders"), std::string("a-b"),
                             std::string("a b"), std::string("\xc3\xa4")})
        BOOST_TEST(!valid_task_name(name), name);
}

BOOST_AUTO_TEST_CASE(tasks_that_bring_tables_are_told_by_their_names) {
    for (const auto *name : {"orders_sync_2", "_sync_0", "a_sync_1_sync_33"}) BOOST_TEST(is_sync_task_name(name), name);
    for (const auto *name : {"orders", "orders_2", "orders_sync_", "sync_2", "orders_sync2", "7", ""})
        BOOST_TEST(!is_sync_task_name(name), name);
}

BOOST_AUTO_TEST_CASE(a_guess_is_made_only_when_it_is_near) {
    const std::vector<std::string> known{"include", "exclude", "connection"};
    BOOST_TEST(nearest("includes", known).value() == "include");
    BOOST_TEST(nearest("conection", known).value() == "connection");
    BOOST_TEST(!nearest("zzzzzzz", known).has_value());
}

BOOST_AUTO_TEST_CASE(words_are_listed_as_in_a_sentence) {
    BOOST_TEST(enumerate({"a"}) == "a");
    BOOST_TEST(enumerate({"a", "b", "c"}) == "a, b or c");
}

BOOST_AUTO_TEST_SUITE_END()
