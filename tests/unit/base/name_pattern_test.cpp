// name_pattern_test.cpp: what patterns hand out, and names built from it.
#include "base/name_pattern.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

namespace {
std::string renamed(const std::string &pattern, const std::string &name, const std::string &to) {
    const auto captures = NamePattern{pattern, false}.match(name);
    return captures ? expand(to, *captures, name) : "no match";
}
} // namespace

BOOST_AUTO_TEST_SUITE(name_pattern)

BOOST_AUTO_TEST_CASE(captures_stand_for_what_they_matched) {
    BOOST_TEST(renamed("inv_*", "inv_2024", "invoice_$1") == "invoice_2024");
    BOOST_TEST(renamed("*_*", "a_b_c", "$2/$1") == "b_c/a"); // the first one takes as little as it can
    BOOST_TEST(renamed("t?_*", "té_x", "$1.$2.$0.$$.$9.$x") == "é.x.té_x.$..$x");
    BOOST_TEST(renamed("*", "", "[$1]") == "[]");
    BOOST_TEST(renamed("a*b", "acd", "x") == "no match");
    BOOST_TEST(renamed("a*b*", "aXbY", "$1$2") == "XY");
}

BOOST_AUTO_TEST_CASE(a_literal_is_no_pattern) {
    BOOST_TEST((NamePattern{"a*", true}.match("a*").has_value()));
    BOOST_TEST((!NamePattern{"a*", true}.match("ab").has_value()));
    BOOST_TEST((NamePattern{"plain", false}.exact()));
    BOOST_TEST(captures_of({"a*?", false}) == 2);
    BOOST_TEST(captures_of({"a*?", true}) == 0);
    BOOST_TEST(highest_capture("a$2$$7b$1$") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
