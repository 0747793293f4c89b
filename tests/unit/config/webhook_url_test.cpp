// webhook_url_test.cpp: what a webhook's URL may look like.
#include "config/webhook_url.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::config;

BOOST_AUTO_TEST_SUITE(webhook_url)

BOOST_AUTO_TEST_CASE(the_parts_of_a_url_are_found) {
    const auto plain = parse_webhook_url("http://alerts.example:8080/hook/SECRET?a=b#c").value();
    BOOST_TEST(!plain.tls);
    BOOST_TEST(plain.host == "alerts.example");
    BOOST_TEST(plain.port == 8080);
    BOOST_TEST(plain.path == "/hook/SECRET?a=b");
    BOOST_TEST(plain.shown() == "http://alerts.example:8080");
    const auto bare = parse_webhook_url("https://alerts.example").value();
    BOOST_TEST(bare.tls);
    BOOST_TEST(bare.port == 443);
    BOOST_TEST(bare.path == "/");
    const auto six = parse_webhook_url("https://[::1]:9/x").value();
    BOOST_TEST(six.host == "::1");
    BOOST_TEST(six.port == 9);
    BOOST_TEST(six.shown() == "https://[::1]:9");
    BOOST_TEST(parse_webhook_url("https://h?q=1").value().path == "/?q=1");
}

BOOST_AUTO_TEST_CASE(a_url_that_cannot_be_used_is_refused_with_what_is_wrong) {
    for (const auto *url :
         {"", "alerts.example/hook", "ftp://h/x", "http://", "http://:80/", "http://h:0/", "http://h:x/",
          "http://h:70000/", "http://[::1/", "http://user:secret@h/", "http://h/a b", "http://h/\xc3\xa9"}) {
        BOOST_TEST(!parse_webhook_url(url), url);
        const auto flaw = webhook_flaw(url);
        BOOST_TEST(flaw.has_value(), url);
        if (flaw) BOOST_TEST(flaw->find("secret") == std::string::npos);
    }
}

BOOST_AUTO_TEST_SUITE_END()
