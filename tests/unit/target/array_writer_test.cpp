// array_writer_test.cpp: the binary array form, byte by byte; a wrong header is refused by the server or, worse, read
// differently.
#include "target/postgres/array_writer.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target;
using namespace std::string_view_literals;

BOOST_AUTO_TEST_SUITE(array_writer)

BOOST_AUTO_TEST_CASE(an_array_of_integers_has_one_dimension_and_lower_bound_one) {
    ArrayWriter array(23);
    array.add({ValueKind::binary, "\0\0\0\x07"sv});
    BOOST_TEST(array.finish() == "\0\0\0\1\0\0\0\0\0\0\0\x17\0\0\0\1\0\0\0\1\0\0\0\4\0\0\0\7"sv);
}

BOOST_AUTO_TEST_CASE(a_null_sets_the_flag_and_has_length_minus_one) {
    ArrayWriter array(25);
    array.add({ValueKind::null, {}});
    array.add({ValueKind::text, ""});
    BOOST_TEST(array.finish() == "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\2\0\0\0\1\xff\xff\xff\xff\0\0\0\0"sv);
}

BOOST_AUTO_TEST_CASE(an_empty_array_has_no_dimension) {
    BOOST_TEST(ArrayWriter(25).finish() == "\0\0\0\0\0\0\0\0\0\0\0\x19"sv);
}

BOOST_AUTO_TEST_CASE(an_unchanged_value_is_refused) {
    ArrayWriter array(25);
    BOOST_CHECK_THROW(array.add({ValueKind::unchanged, {}}), Error);
}

BOOST_AUTO_TEST_SUITE_END()
