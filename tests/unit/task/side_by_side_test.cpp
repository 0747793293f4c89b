// side_by_side_test.cpp: columns stay under each other, whatever the values are.
#include "task/side_by_side.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace walbridge::task;

BOOST_AUTO_TEST_SUITE(side_by_side_table)

BOOST_AUTO_TEST_CASE(columns_are_aligned_by_characters_and_differences_marked) {
    const auto text =
        side_by_side({"source", "target"}, {{"id", {"1", "1"}, false}, {"größe", {"ä", std::nullopt}, true}});
    BOOST_TEST(text == "  column  source  target\n  id      1       1\n* größe   ä       NULL\n");
}

BOOST_AUTO_TEST_CASE(long_values_are_cut_between_characters_and_stay_on_their_line) {
    std::string value = "a\nb";
    for (int i = 0; i < 100; ++i) value += "é";
    const auto text = side_by_side({"source"}, {{"v", {value}, false}});
    BOOST_TEST((text.find("a b") != std::string::npos));
    BOOST_TEST((text.find("é...\n") != std::string::npos));
    BOOST_TEST((std::count(text.begin(), text.end(), '\n') == 2));
}

BOOST_AUTO_TEST_CASE(sides_that_lack_a_value_show_a_dash) {
    BOOST_TEST((side_by_side({"a", "b"}, {{"v", {"1"}, false}}).find("  v       1  -") != std::string::npos));
}

BOOST_AUTO_TEST_SUITE_END()
