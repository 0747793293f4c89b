// connection_environment_test.cpp: how a connection reaches a client program without showing secrets.
#include "schema/connection_environment.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using walbridge::schema::client_connection;

namespace {

bool has(const std::vector<std::string> &environment, const std::string &entry) {
    return std::find(environment.begin(), environment.end(), entry) != environment.end();
}

} // namespace

BOOST_AUTO_TEST_CASE(parameters_become_variables_and_the_password_never_an_argument) {
    const auto connection = client_connection(
        {"source", "postgresql://repl:secret@db.example:5433/shop?sslmode=require&keepalives_idle=7", {}},
        "walbridge_t:pg_dump", "-c a=1");
    BOOST_TEST(has(connection.environment, "PGHOST=db.example"));
    BOOST_TEST(has(connection.environment, "PGPORT=5433"));
    BOOST_TEST(has(connection.environment, "PGUSER=repl"));
    BOOST_TEST(has(connection.environment, "PGDATABASE=shop"));
    BOOST_TEST(has(connection.environment, "PGPASSWORD=secret"));
    BOOST_TEST(has(connection.environment, "PGSSLMODE=require"));
    BOOST_TEST(has(connection.environment, "PGAPPNAME=walbridge_t:pg_dump"));
    BOOST_TEST(connection.dbname.find("secret") == std::string::npos);
    BOOST_TEST(connection.dbname.find("keepalives_idle='7'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_separate_password_wins_and_options_are_added) {
    const auto connection =
        client_connection({"source", "host=db user=repl password=old options='-c geqo=off'", "new"}, "", "-c a=1");
    BOOST_TEST(has(connection.environment, "PGPASSWORD=new"));
    BOOST_TEST(has(connection.environment, "PGOPTIONS=-c geqo=off -c a=1"));
}
