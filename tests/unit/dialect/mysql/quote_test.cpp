// quote_test.cpp: what MySQL and MariaDB accept as names, and how text stands in SQL.
#include "dialect/mysql/quote.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::dialect::mysql;

BOOST_AUTO_TEST_CASE(names_are_quoted_in_backticks_which_are_doubled) {
    BOOST_TEST(quote_identifier("order") == "`order`");
    BOOST_TEST(quote_identifier("a`b") == "`a``b`");
    BOOST_TEST(quote(QualifiedName{"shop", "Größe"}) == "`shop`.`Größe`");
    BOOST_TEST(quote_list({"a", "b c"}) == "`a`, `b c`");
}

BOOST_AUTO_TEST_CASE(a_name_that_the_server_cannot_have_is_an_error) {
    const std::string long_enough(64, 'a');
    std::string umlauts;
    for (int i = 0; i < 64; ++i) umlauts += "ä";
    BOOST_TEST(name_problem(long_enough).empty());
    BOOST_TEST(name_problem(umlauts).empty());
    for (const auto &name : {long_enough + "a", umlauts + "ä", std::string("a "), std::string(), std::string("a😀")}) {
        BOOST_TEST(!name_problem(name).empty());
        BOOST_CHECK_EXCEPTION((void)quote_identifier(name), Error,
                              [](const Error &error) { return error.kind() == ErrorKind::target_shape; });
    }
}

BOOST_AUTO_TEST_CASE(a_backslash_is_a_character_of_a_literal) {
    BOOST_TEST(quote_literal("it's") == "'it''s'");
    BOOST_TEST(quote_literal("C:\\new") == "'C:\\new'");
    BOOST_TEST(hex_literal(std::string_view("\0\x7f\xff", 3)) == "x'007fff'");
}

BOOST_AUTO_TEST_CASE(characters_are_counted_not_bytes) {
    BOOST_TEST(characters("") == 0U);
    BOOST_TEST(characters("aä€😀") == 4U);
}
