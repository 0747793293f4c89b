// dump_parser_test.cpp: entries of pg_dump's output, and text that only looks like them.
#include "schema/dump_parser.hpp"

#include <boost/test/unit_test.hpp>

using walbridge::schema::parse_dump;

namespace {

std::string entry(int number, std::uint32_t catalog, std::uint32_t oid, const std::string &name,
                  const std::string &type, const std::string &schema, const std::string &statement,
                  const std::string &dependencies = {}) {
    return "\n--\n-- TOC entry " + std::to_string(number) + " (class " + std::to_string(catalog) + " OID " +
           std::to_string(oid) + ")\n" + (dependencies.empty() ? "" : "-- Dependencies: " + dependencies + "\n") +
           "-- Name: " + name + "; Type: " + type + "; Schema: " + schema + "; Owner: -\n--\n\n" + statement + "\n\n";
}

const std::string preamble =
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\nSET new_setting_of_a_later_version = on;\n";

} // namespace

BOOST_AUTO_TEST_CASE(each_entry_has_its_object_and_statement) {
    const auto entries =
        parse_dump(preamble + entry(7, 2615, 16400, "app", "SCHEMA", "-", "CREATE SCHEMA app;") +
                   entry(8, 1259, 16401, "t", "TABLE", "app", "CREATE TABLE app.t (\n    id integer\n);") +
                   "\n-- Completed on 2026\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n");
    BOOST_REQUIRE_EQUAL(entries.size(), 2u);
    BOOST_TEST(entries[0].schema.empty());
    BOOST_TEST(entries[0].statement == "CREATE SCHEMA app;");
    BOOST_TEST(entries[1].number == 8);
    BOOST_TEST(entries[1].id.catalog == 1259u);
    BOOST_TEST(entries[1].id.oid == 16401u);
    BOOST_TEST(entries[1].name == "t");
    BOOST_TEST(entries[1].type == "TABLE");
    BOOST_TEST(entries[1].schema == "app");
    BOOST_TEST(entries[1].statement == "CREATE TABLE app.t (\n    id integer\n);");
}

BOOST_AUTO_TEST_CASE(dependencies_are_read_where_they_are_printed) {
    const auto entries =
        parse_dump(entry(9, 0, 0, "TABLE t", "COMMENT", "app", "COMMENT ON TABLE app.t IS 'x';", "8 12"));
    BOOST_REQUIRE_EQUAL(entries.size(), 1u);
    BOOST_TEST(entries[0].dependencies == (std::vector<int>{8, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(text_inside_a_body_is_not_an_entry) {
    for (const std::string quote : {"$$", "$body$"}) {
        const auto body = "CREATE FUNCTION app.f() RETURNS text LANGUAGE plpgsql AS " + quote +
                          "\nbegin\n--\n-- TOC entry 99 (class 1259 OID 1)\n-- Name: evil; Type: TABLE; Schema: "
                          "public; Owner: x\n--\n\\restrict\nreturn 'it''s';\nend " +
                          quote + ";";
        const auto entries = parse_dump(entry(8, 1255, 16401, "f()", "FUNCTION", "app", body) +
                                        entry(9, 1259, 16402, "t", "TABLE", "app", "CREATE TABLE app.t ();"));
        BOOST_REQUIRE_EQUAL(entries.size(), 2u);
        BOOST_TEST(entries[0].statement == body);
    }
}

BOOST_AUTO_TEST_CASE(text_inside_literals_names_and_comments_is_not_an_entry) {
    const std::string fake = "\n-- TOC entry 99 (class 1259 OID 1)\n";
    for (const auto &statement :
         {"COMMENT ON TABLE t IS 'it''s " + fake + "';", "COMMENT ON TABLE t IS E'it\\'s " + fake + "';",
          "CREATE TABLE \"a" + fake + "\" ();", "SELECT /* /* nested */ " + fake + " */ 1;"}) {
        const auto entries = parse_dump(entry(8, 1259, 16401, "t", "TABLE", "app", statement));
        BOOST_REQUIRE_EQUAL(entries.size(), 1u);
        BOOST_TEST(entries[0].statement == statement);
    }
}

BOOST_AUTO_TEST_CASE(a_dollar_inside_a_name_opens_no_quote) {
    const std::string statement = "CREATE TABLE a$b$ (c$d$ integer);";
    const auto entries = parse_dump(entry(8, 1259, 16401, "a$b$", "TABLE", "app", statement) +
                                    entry(9, 1259, 16402, "t", "TABLE", "app", "CREATE TABLE t ();"));
    BOOST_REQUIRE_EQUAL(entries.size(), 2u);
    BOOST_TEST(entries[0].statement == statement);
}

BOOST_AUTO_TEST_CASE(a_name_may_look_like_the_parts_of_the_header) {
    const auto entries =
        parse_dump(entry(8, 1259, 16401, "a; Type: VIEW; Schema: x; Owner: y", "TABLE", "app", "CREATE TABLE t ();"));
    BOOST_REQUIRE_EQUAL(entries.size(), 1u);
    BOOST_TEST(entries[0].type == "TABLE");
    BOOST_TEST(entries[0].schema == "app");
    BOOST_TEST(entries[0].name == "a; Type: VIEW; Schema: x; Owner: y");
}

BOOST_AUTO_TEST_CASE(settings_between_entries_are_dropped_and_a_foreign_access_method_is_kept) {
    const auto entries = parse_dump(entry(8, 1259, 16401, "a", "TABLE", "app", "CREATE TABLE a ();") +
                                    "SET default_table_access_method = columnar;\n" +
                                    entry(9, 1259, 16402, "b", "TABLE", "app", "CREATE TABLE b ();") +
                                    "SET default_table_access_method = heap;\n" +
                                    entry(10, 1259, 16403, "c", "TABLE", "app", "CREATE TABLE c ();"));
    BOOST_REQUIRE_EQUAL(entries.size(), 3u);
    BOOST_TEST(entries[0].statement == "CREATE TABLE a ();");
    BOOST_TEST(
        entries[1].statement ==
        "SET default_table_access_method = columnar;\nCREATE TABLE b ();\nSET default_table_access_method = heap;");
    BOOST_TEST(entries[2].statement == "CREATE TABLE c ();");
}

BOOST_AUTO_TEST_CASE(whose_grant_it_was_is_not_taken_over) {
    const auto entries =
        parse_dump(entry(9, 0, 0, "TABLE t", "ACL", "app",
                         "SET SESSION AUTHORIZATION clerk;\nGRANT SELECT ON TABLE app.t TO reader;\nRESET "
                         "SESSION AUTHORIZATION;",
                         "8"));
    BOOST_REQUIRE_EQUAL(entries.size(), 1u);
    BOOST_TEST(entries[0].statement == "GRANT SELECT ON TABLE app.t TO reader;");
}
