// tls_test.cpp: who is trusted: a private CA, the host's name, a client certificate. Certificates are those that
// tests/mysql_target/run makes (WALBRIDGE_MYSQL_TLS names their folder); with an own server there is nothing to test.
#include "support.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>

using namespace walbridge;
using namespace walbridge::testing;

namespace {

std::string folder() {
    const char *set = std::getenv("WALBRIDGE_MYSQL_TLS"); // NOLINT(concurrency-mt-unsafe)
    return set == nullptr ? "" : set;
}

std::string url(const std::string &parameters, const std::string &host = "127.0.0.1") {
    auto made = server_url();
    made.replace(made.find("127.0.0.1"), 9, host);
    return made + "?" + parameters;
}

bool encrypted(const std::string &with) {
    const auto session = connect(with);
    return session.encrypted();
}

ErrorKind refusal(const std::string &with) {
    try {
        static_cast<void>(connect(with));
    } catch (const Error &error) {
        BOOST_TEST(std::string(error.what()).find("phrase") == std::string::npos);
        return error.kind();
    }
    return ErrorKind::internal; // was accepted
}

boost::test_tools::assertion_result has_certificates(boost::unit_test::test_unit_id) { return !folder().empty(); }

} // namespace

BOOST_AUTO_TEST_SUITE(tls, *boost::unit_test::precondition(has_certificates))

BOOST_AUTO_TEST_CASE(a_server_that_can_encrypts) {
    BOOST_TEST(encrypted(url("ssl-mode=required")));
    BOOST_TEST(encrypted(url("")));
    BOOST_TEST(!encrypted(url("ssl-mode=disabled")));
}

BOOST_AUTO_TEST_CASE(the_private_ca_is_trusted_and_no_other) {
    for (const auto *mode : {"verify_ca", "verify_identity", "required", "preferred"}) {
        BOOST_TEST(encrypted(url(std::string("ssl-mode=") + mode + "&ssl-ca=" + folder() + "/ca.pem")), mode);
        BOOST_TEST((refusal(url(std::string("ssl-mode=") + mode + "&ssl-ca=" + folder() + "/other-ca.pem")) ==
                    ErrorKind::authentication),
                   mode);
    }
    // The system does not know the CA.
    BOOST_TEST((refusal(url("ssl-mode=verify_identity")) == ErrorKind::authentication));
}

BOOST_AUTO_TEST_CASE(the_certificate_has_to_name_the_host) {
    // The certificate says 127.0.0.1; localhost is the same server under a name that is not in it.
    const auto ca = "&ssl-ca=" + folder() + "/ca.pem";
    BOOST_TEST((refusal(url("ssl-mode=verify_identity" + ca, "127.0.0.2")) == ErrorKind::authentication));
    BOOST_TEST(encrypted(url("ssl-mode=verify_ca" + ca, "127.0.0.2")));
}

BOOST_AUTO_TEST_CASE(a_client_certificate_is_shown_where_the_account_demands_it) {
    auto admin = connect();
    admin.execute("DROP USER IF EXISTS 'certified'@'%'; CREATE USER 'certified'@'%' IDENTIFIED BY 'x' REQUIRE X509");
    const auto as = [](std::string with) { return with.replace(with.find("root"), 4, "certified:x"); };
    const auto ca = "ssl-mode=verify_ca&ssl-ca=" + folder() + "/ca.pem";
    BOOST_TEST((refusal(as(url(ca))) == ErrorKind::authentication));
    const auto certificate = ca + "&ssl-cert=" + folder() + "/client.pem&ssl-key=" + folder();
    BOOST_TEST(encrypted(as(url(certificate + "/client-key.pem"))));
    BOOST_TEST(encrypted(as(url(certificate + "/client-key-secret.pem&ssl-key-passphrase=phrase"))));
    BOOST_TEST(
        (refusal(as(url(certificate + "/client-key-secret.pem&ssl-key-passphrase=wrong"))) != ErrorKind::internal));
    admin.execute("DROP USER 'certified'@'%'");
}

BOOST_AUTO_TEST_SUITE_END()
