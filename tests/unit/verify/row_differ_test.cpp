// Rows come in any order and any number of times; only what has no partner is a difference.
#include "verify/row_differ.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::verify {

BOOST_AUTO_TEST_SUITE(row_differ)

BOOST_AUTO_TEST_CASE(equal_rows_forget_each_other) {
    RowDiffer differ;
    differ.add_source("1", 11);
    differ.add_target("2", 22);
    differ.add_target("1", 11);
    differ.add_source("2", 22);
    BOOST_TEST(differ.size() == 0);
}

BOOST_AUTO_TEST_CASE(one_key_with_two_digests_is_one_difference) {
    RowDiffer differ;
    differ.add_target("1", 12);
    differ.add_source("1", 11);
    const auto found = differ.differences();
    BOOST_REQUIRE_EQUAL(found.size(), 1);
    BOOST_TEST((found[0].source_rows == 1 && found[0].target_rows == 1));
    BOOST_TEST(found[0].source.front() == 11);
    BOOST_TEST(found[0].target.front() == 12);
}

BOOST_AUTO_TEST_CASE(rows_of_one_side_are_missing_or_extra) {
    RowDiffer differ;
    differ.add_source("1", 11);
    differ.add_target("2", 22);
    const auto found = differ.differences();
    BOOST_REQUIRE_EQUAL(found.size(), 2);
    BOOST_TEST((found[0].source_rows == 1 && found[0].target_rows == 0));
    BOOST_TEST((found[1].source_rows == 0 && found[1].target_rows == 1));
}

BOOST_AUTO_TEST_CASE(multisets_differ_by_how_often_a_row_is_there) {
    RowDiffer differ;
    differ.add_source("x", 7, 5);
    differ.add_target("x", 7, 3);
    const auto found = differ.differences();
    BOOST_REQUIRE_EQUAL(found.size(), 1);
    BOOST_TEST((found[0].source_rows == 2 && found[0].target_rows == 0));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::verify
