// throttle_settings_test.cpp: what a command line may ask for, and what wins.
#include "task/throttle_settings.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::task;

BOOST_AUTO_TEST_SUITE(throttle_settings)

BOOST_AUTO_TEST_CASE(limits_are_written_as_in_the_task_file) {
    const auto set = parse_throttle({"copy_rows=50000", "apply_bytes=5MB", "copy_bytes=1000", "copy_queries=0"});
    BOOST_TEST(set.at("copy_rows") == 50000U);
    BOOST_TEST(set.at("apply_bytes") == 5U << 20);
    BOOST_TEST(set.at("copy_bytes") == 1000U);
    BOOST_TEST(set.at("copy_queries") == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_refused_by_name) {
    for (const auto *word : {"copy_rows", "copy_row=5", "copy_rows=-1", "copy_rows=5MB", "copy_rows=", "=5",
                             "apply_bytes=5X", "copy_rows=99999999999999999999"})
        BOOST_CHECK_EXCEPTION(static_cast<void>(parse_throttle({word})), Error, [](const Error &error) {
            return error.kind() == ErrorKind::usage && !error.remedy().empty();
        });
    BOOST_CHECK_THROW(static_cast<void>(parse_throttle({})), Error);
}

BOOST_AUTO_TEST_CASE(what_was_set_wins_limit_by_limit) {
    TaskConfig::Throttle file;
    file.copy_rows = 100;
    file.apply_rows = 200;
    const auto held = effective(file, {{"copy_rows", 7}, {"apply_bytes", 8}});
    BOOST_TEST(held.copy_rows == 7U);
    BOOST_TEST(held.apply_rows == 200U);
    BOOST_TEST(held.apply_bytes == 8U);
    BOOST_TEST(effective(file, {{"copy_rows", 0}}).copy_rows == 0U); // lifted
}

BOOST_AUTO_TEST_CASE(what_is_stored_comes_back_and_unknown_keys_do_no_harm) {
    const ThrottleOverrides set{{"apply_rows", 5}, {"copy_bytes", 6}};
    BOOST_TEST((stored_throttle(throttle_json(set)) == set));
    BOOST_TEST(throttle_json({}).empty());
    BOOST_TEST(stored_throttle("").empty());
    BOOST_TEST(stored_throttle("[1]").empty());
    BOOST_TEST((stored_throttle(R"({"copy_rows": 3, "of_a_newer_version": 4, "apply_rows": "x"})") ==
                ThrottleOverrides{{"copy_rows", 3}}));
}

BOOST_AUTO_TEST_SUITE_END()
