// connection_string_test.cpp: parameters of connection strings, and that secrets in them are never shown.
#include "base/postgres/session.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

BOOST_AUTO_TEST_SUITE(connection_strings)

BOOST_AUTO_TEST_CASE(secrets_are_left_out_of_what_is_shown) {
    for (const auto *url :
         {"postgresql://bob:s3cret@db/shop?sslpassword=s3cret", "host=db password=s3cret dbname=shop user=bob"}) {
        const auto shown = pg::redact(url);
        BOOST_TEST((shown.find("s3cret") == std::string::npos), shown);
        BOOST_TEST((shown.find("bob") != std::string::npos), shown);
        BOOST_TEST((pg::describe(url).find("s3cret") == std::string::npos));
    }
}

BOOST_AUTO_TEST_CASE(a_server_is_described_by_host_port_and_database) {
    BOOST_TEST(pg::describe("postgresql://bob@db:6000/shop") == "db:6000/shop");
    BOOST_TEST(pg::describe("dbname=shop") == "local:5432/shop");
}

BOOST_AUTO_TEST_CASE(parameters_are_read_and_replaced_whatever_they_hold) {
    const std::string odd = "it's \\ odd";
    const auto url = pg::with_parameter("postgresql://bob@db/shop", "sslpassword", odd);
    BOOST_TEST(pg::parameter(url, "sslpassword").value() == odd);
    BOOST_TEST(pg::parameter(url, "user").value() == "bob");
    BOOST_TEST(!pg::parameter(url, "port").has_value());
    BOOST_TEST(pg::parameter(pg::with_database(url, "My \"Db\""), "dbname").value() == "My \"Db\"");
}

BOOST_AUTO_TEST_CASE(a_broken_string_is_an_error_of_the_configuration) {
    BOOST_CHECK_EXCEPTION((void)pg::parameter("postgresql://db/shop?nonsense=1", "dbname"), Error,
                          [](const Error &error) { return error.kind() == ErrorKind::configuration; });
}

BOOST_AUTO_TEST_SUITE_END()
