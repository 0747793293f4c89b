// statements_test.cpp: where a statement ends, and what of pg_dump's text is a definition.
#include "schema/compare/statements.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::schema::compare;

namespace {
using Texts = std::vector<std::string>;
}

BOOST_AUTO_TEST_CASE(semicolons_inside_of_texts_end_nothing) {
    const auto found =
        split_statements("CREATE TABLE a (b text DEFAULT ';');\n COMMENT ON TABLE a IS E'\\';'; CREATE FUNCTION f() "
                         "AS $x$ a; $$;$$ $x$;\nSELECT \"a;b\" -- c;\n;");
    BOOST_REQUIRE_EQUAL(found.size(), 4u);
    BOOST_TEST(found[0] == "CREATE TABLE a (b text DEFAULT ';')");
    BOOST_TEST(found[1] == "COMMENT ON TABLE a IS E'\\';'");
    BOOST_TEST(found[2] == "CREATE FUNCTION f() AS $x$ a; $$;$$ $x$");
    BOOST_TEST(found[3] == "SELECT \"a;b\" -- c;");
}

BOOST_AUTO_TEST_CASE(a_standard_body_is_one_statement) {
    const auto found = split_statements("CREATE FUNCTION f() RETURNS int\n BEGIN ATOMIC\n SELECT CASE WHEN true THEN 1 "
                                        "END;\n SELECT 2;\nEND;\nSELECT 1;");
    BOOST_REQUIRE_EQUAL(found.size(), 2u);
    BOOST_TEST(found[0].ends_with("SELECT 2;\nEND"));
}

BOOST_AUTO_TEST_CASE(owner_and_identity_are_no_part_of_a_definition) {
    const auto parts =
        parts_of("CREATE TABLE a ();\nALTER TABLE ONLY a REPLICA IDENTITY FULL;\nALTER TABLE a CLUSTER ON i;\n"
                 "ALTER TABLE a OWNER TO \"me\";\nALTER TABLE ONLY a ALTER COLUMN b SET STATISTICS 5;");
    BOOST_TEST(parts.definition == (Texts{"CREATE TABLE a ()", "ALTER TABLE ONLY a ALTER COLUMN b SET STATISTICS 5"}),
               boost::test_tools::per_element());
    BOOST_TEST(parts.owner_statement == "ALTER TABLE a OWNER TO \"me\"");
}

BOOST_AUTO_TEST_CASE(parts_of_names) {
    BOOST_TEST(last_part("a.\"b.c\"") == "\"b.c\"");
    BOOST_TEST(first_parts("a.\"b.c\"") == "a");
    BOOST_TEST(first_parts("\"x.y\".t.c") == "\"x.y\".t");
    BOOST_TEST(last_part("single") == "single");
    BOOST_TEST(first_parts("single") == "");
}
