// mysql_literal_test.cpp: values inside SQL text.
#include "base/error.hpp"
#include "base/mysql/literal.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::my;

BOOST_AUTO_TEST_SUITE(mysql_literals)

BOOST_AUTO_TEST_CASE(a_quote_is_doubled_and_nothing_else_is_special) {
    BOOST_TEST(quote_literal("") == "''");
    BOOST_TEST(quote_literal("it's") == "'it''s'");
    BOOST_TEST(quote_literal("''") == "''''''");
    BOOST_TEST(quote_literal("a\\b\n%_\"`") == "'a\\b\n%_\"`'");
    std::string sql = "=";
    append_bytes(sql, std::string_view("\x00\xff'", 3));
    BOOST_TEST(sql == "=x'00FF27'");
}

BOOST_AUTO_TEST_CASE(parameters_are_put_in_by_number) {
    BOOST_TEST(bind("SELECT $2, $1, $2", {"a", std::nullopt}) == "SELECT NULL, 'a', NULL");
    BOOST_TEST(bind("$10$1", {"1", "2", "3", "4", "5", "6", "7", "8", "9", "ten"}) == "'ten''1'");
    BOOST_TEST(bind("SELECT '$1', `$1`, \"$1\", 'it''s $1' -- $1\n, /* $1 */ $1", {"x"}) ==
               "SELECT '$1', `$1`, \"$1\", 'it''s $1' -- $1\n, /* $1 */ 'x'");
    BOOST_TEST(bind("a $ b $x $0", {}) == "a $ b $x $0");
    BOOST_TEST(bind("$1", {"$1"}) == "'$1'");
    BOOST_CHECK_THROW(static_cast<void>(bind("$2", {"x"})), Error);
}

BOOST_AUTO_TEST_SUITE_END()
