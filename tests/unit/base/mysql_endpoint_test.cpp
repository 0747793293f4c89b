// mysql_endpoint_test.cpp: what connection URLs say, and what is shown of them.
#include "base/error.hpp"
#include "base/mysql/endpoint.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::my;

BOOST_AUTO_TEST_SUITE(mysql_urls)

BOOST_AUTO_TEST_CASE(every_part_is_read_and_percent_decoded) {
    const auto address =
        parse("mysql://us%40er:p%3Aw%2F@db.example:3307/sh%C3%B6p?ssl-mode=VERIFY-IDENTITY&ssl-ca=/etc/"
              "ca%20one.pem&ssl-cert=/c&ssl-key=/k&ssl-key-passphrase=s%26t&connect-timeout=3");
    BOOST_TEST(address.user == "us@er");
    BOOST_TEST(address.password == "p:w/");
    BOOST_TEST(address.host == "db.example");
    BOOST_TEST(address.port == 3307U);
    BOOST_TEST(address.database == "shöp");
    BOOST_TEST((address.ssl_mode == SslMode::verify_identity));
    BOOST_TEST(address.ssl_ca == "/etc/ca one.pem");
    BOOST_TEST(address.ssl_key_passphrase == "s&t");
    BOOST_TEST(address.connect_timeout.count() == 3);
}

BOOST_AUTO_TEST_CASE(what_is_left_out_has_defaults) {
    const auto address = parse("mysql://root@");
    BOOST_TEST(address.host == "localhost");
    BOOST_TEST(address.port == 3306U);
    BOOST_TEST(address.database.empty());
    BOOST_TEST((address.ssl_mode == SslMode::preferred));
    BOOST_TEST(parse("mariadb://[::1]:3310/x").host == "::1");
    BOOST_TEST(parse("mysql://u@/x?socket=/run/s.sock").socket == "/run/s.sock");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_refused_without_showing_the_password) {
    for (const auto *url :
         {"postgresql://u@h/d", "host=h", "mysql://u:secret@h:0/d", "mysql://u:secret@h:99999/d",
          "mysql://u:secret@h/d?ssl-mode=maybe", "mysql://u:secret@h/d?ssl-mode=verify_ca",
          "mysql://u:secret@h/d?sslmode=require", "mysql://u:secret@h/d%4", "mysql://u:secret@h/d?ssl-cert=/c",
          "mysql://u:secret@h/d?ssl-mode=disabled&ssl-ca=/c", "mysql://u:secret@[::1/d", "mysql://u:secret@h/%00"}) {
        try {
            static_cast<void>(parse(url));
            BOOST_ERROR(url);
        } catch (const Error &error) {
            BOOST_TEST((error.kind() == ErrorKind::configuration));
            BOOST_TEST((std::string(error.what()) + error.remedy()).find("secret") == std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(secrets_are_never_shown) {
    const std::string url = "mysql://u:secret@h:3307/d?ssl-ca=/c&ssl-key-passphrase=secret&ssl-mode=required";
    BOOST_TEST(redact(url) == "mysql://u@h:3307/d?ssl-ca=/c&ssl-mode=required");
    BOOST_TEST(redact("mysql://u@h/d?ssl%2Dkey%2Dpassphrase=secret") == "mysql://u@h/d");
    BOOST_TEST(describe(url) == "h:3307/d");
    BOOST_TEST(describe("mysql://u:secret@/d?socket=/s") == "/s/d");
}

BOOST_AUTO_TEST_CASE(the_database_can_be_replaced) {
    BOOST_TEST(with_database("mysql://u:p@h:1/old?ssl-mode=required", "a b") ==
               "mysql://u:p@h:1/a%20b?ssl-mode=required");
    BOOST_TEST(with_database("mysql://u@h", "x") == "mysql://u@h/x");
    BOOST_TEST(with_database("mysql://u@h?socket=/a/b", "") == "mysql://u@h/?socket=/a/b");
}

BOOST_AUTO_TEST_SUITE_END()
