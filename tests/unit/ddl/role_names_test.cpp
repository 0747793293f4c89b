// role_names_test.cpp: roles in pg_dump's definitions get their names on the target; everything else stays as written.
#include "ddl/role_names.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using walbridge::ddl::with_role_names;

BOOST_AUTO_TEST_SUITE(role_names)

const std::map<std::string, std::string> names{{"clerk", "The Office"}, {"boss", "boss"}};

BOOST_AUTO_TEST_CASE(an_owner_is_mapped_and_the_definition_stays_as_it_is) {
    const std::string body =
        "CREATE FUNCTION app.f() RETURNS text\n    LANGUAGE plpgsql AS $$begin -- OWNER TO clerk;\n"
        "return 'OWNER TO clerk'; end$$;";
    BOOST_TEST(with_role_names(body + "\n\n\nALTER FUNCTION app.f() OWNER TO clerk;", names) ==
               body + "\nALTER FUNCTION app.f() OWNER TO \"The Office\";");
    BOOST_TEST(with_role_names(body, names) == body);
    BOOST_TEST(with_role_names("ALTER TABLE app.t OWNER TO boss;", names) == "ALTER TABLE app.t OWNER TO boss;");
    BOOST_TEST(with_role_names("ALTER SCHEMA clerk OWNER TO clerk;", names) ==
               "ALTER SCHEMA clerk OWNER TO \"The Office\";");
}

BOOST_AUTO_TEST_CASE(grants_and_policies_are_mapped) {
    BOOST_TEST(
        with_role_names("REVOKE ALL ON TABLE app.t FROM clerk;\nGRANT SELECT ON TABLE app.t TO clerk, boss;", names) ==
        "REVOKE ALL ON app.t FROM \"The Office\";\nGRANT select ON app.t TO \"The Office\", boss;");
    BOOST_TEST(with_role_names("CREATE POLICY p ON app.t TO clerk USING ((owner = 'clerk'::text));", names) ==
               "CREATE POLICY p ON app.t TO \"The Office\" USING (owner = 'clerk'::text);");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused_only_when_it_matters) {
    BOOST_TEST(with_role_names("CREATE SOMETHING new;", names) == "CREATE SOMETHING new;");
    BOOST_CHECK_THROW((void)with_role_names("CREATE SOMETHING new FOR clerk;", names), walbridge::Error);
}

BOOST_AUTO_TEST_SUITE_END()
