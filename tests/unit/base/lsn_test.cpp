// lsn_test.cpp: PostgreSQL's text form of positions.
#include "base/lsn.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

BOOST_AUTO_TEST_SUITE(lsn)

BOOST_AUTO_TEST_CASE(text_form_goes_both_ways) {
    for (const auto *text : {"0/0", "0/1", "16/B374D848", "FFFFFFFF/FFFFFFFF"})
        BOOST_TEST(to_string(parse_lsn(text).value()) == text);
    BOOST_TEST(parse_lsn("16/b374d848").value().value == 0x16B374D848ULL);
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused) {
    for (const auto *text : {"", "/", "0", "0/", "/0", "0/1/2", "G/0", "0/ 1", "123456789/0", "0/123456789", "-1/0"})
        BOOST_TEST(!parse_lsn(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(positions_are_ordered_and_zero_means_none) {
    BOOST_TEST((parse_lsn("0/FFFFFFFF").value() < parse_lsn("1/0").value()));
    BOOST_TEST(!Lsn{}.valid());
}

BOOST_AUTO_TEST_SUITE_END()
