// pg_dump_test.cpp: which pg_dump is taken.
#include "schema/pg_dump.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::schema;

BOOST_AUTO_TEST_CASE(the_version_is_read_from_what_pg_dump_says) {
    BOOST_TEST(dump_version("pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n").value() == 15);
    BOOST_TEST(dump_version("pg_dump (PostgreSQL) 18beta1\n").value() == 18);
    BOOST_TEST(!dump_version("pg_dumpall (somebody's) 15").has_value());
    BOOST_TEST(!dump_version("").has_value());
}

BOOST_AUTO_TEST_CASE(the_newest_program_is_taken) {
    BOOST_TEST(choose_dump_program({{"/a/pg_dump", 15}, {"/b/pg_dump", 17}, {"/c/pg_dump", 16}}, 150020).path ==
               "/b/pg_dump");
}

BOOST_AUTO_TEST_CASE(a_program_older_than_the_source_is_refused_with_what_was_found) {
    try {
        (void)choose_dump_program({{"/a/pg_dump", 15}}, 170002);
        BOOST_FAIL("expected an error");
    } catch (const Error &error) {
        BOOST_TEST((error.kind() == ErrorKind::schema_stage));
        BOOST_TEST(error.reason() ==
                   "the source is PostgreSQL 17, which needs pg_dump 17 or newer; found: /a/pg_dump (15)");
        BOOST_TEST(error.remedy() == "Install postgresql-client-17 here.");
    }
    BOOST_CHECK_THROW((void)choose_dump_program({}, 150000), Error);
}
