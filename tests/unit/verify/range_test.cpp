// Ranges that overlap count rows twice, ranges with a gap lose them.
#include "verify/range.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::verify {

BOOST_AUTO_TEST_SUITE(ranges)

BOOST_AUTO_TEST_CASE(each_range_begins_where_the_one_before_ends) {
    const auto found = ranges_between({"10", "20"});
    BOOST_REQUIRE_EQUAL(found.size(), 3);
    BOOST_TEST(!found[0].low.has_value());
    BOOST_TEST(*found[0].high == "10");
    BOOST_TEST(*found[1].low == "10");
    BOOST_TEST(*found[1].high == "20");
    BOOST_TEST(*found[2].low == "20");
    BOOST_TEST(!found[2].high.has_value());
}

BOOST_AUTO_TEST_CASE(no_bounds_are_one_range_that_is_open_on_both_sides) {
    const auto found = ranges_between({});
    BOOST_REQUIRE_EQUAL(found.size(), 1);
    BOOST_TEST((!found[0].low && !found[0].high));
}

BOOST_AUTO_TEST_CASE(bounds_lie_at_equal_distances_of_the_sample) {
    std::vector<std::string> sample;
    for (int value = 0; value < 100; ++value) sample.push_back(std::to_string(value));
    BOOST_TEST(quantiles(sample, 4) == (std::vector<std::string>{"25", "50", "75"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_value_that_is_there_often_is_one_bound) {
    const std::vector<std::string> sample{"1", "5", "5", "5", "5", "5", "5", "9"};
    BOOST_TEST(quantiles(sample, 8) == (std::vector<std::string>{"5", "9"}), boost::test_tools::per_element());
    BOOST_TEST(quantiles({}, 8).empty());
    BOOST_TEST(quantiles({"3", "3"}, 2).empty());
}

BOOST_AUTO_TEST_CASE(a_condition_casts_bounds_to_the_type_of_its_own_side) {
    TablePair table;
    table.columns = {{"id", "\"id\"", "\"id\"", 23}};
    table.key = {0};
    source::Column column;
    column.name = "id";
    column.type = "integer";
    table.source.columns = {column};
    column.type = "bigint";
    table.target.columns = {column};
    BOOST_TEST(condition(table, {"1", "9"}, Side::source) == "\"id\" >= '1'::integer AND \"id\" < '9'::integer");
    BOOST_TEST(condition(table, {std::nullopt, "9"}, Side::target) == "\"id\" < '9'::bigint");
    BOOST_TEST(condition(table, {}, Side::target).empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::verify
