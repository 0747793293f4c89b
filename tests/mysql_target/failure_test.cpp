// failure_test.cpp: errors as a real server gives them.
#include "support.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

using namespace walbridge;
using namespace walbridge::testing;

namespace {

SqlError refused(my::Session &session, const std::string &sql) {
    try {
        session.execute(sql);
    } catch (const SqlError &error) {
        return error;
    }
    throw std::runtime_error("was not refused: " + sql);
}

SqlError unreachable(const std::string &url) {
    try {
        static_cast<void>(connect(url));
    } catch (const SqlError &error) {
        return error;
    }
    throw std::runtime_error("connected");
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(failures, Fixture)

BOOST_AUTO_TEST_CASE(a_killed_session_is_a_broken_connection) {
    auto victim = connect();
    BOOST_TEST(my::kill(admin, victim.thread_id()));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto error = refused(victim, "SELECT 1");
    BOOST_TEST((error.recovery() == Recovery::reconnect));
    BOOST_TEST((error.kind() == ErrorKind::connection));
    BOOST_TEST(!victim.usable());
    BOOST_CHECK_THROW(victim.execute("SELECT 1"), SqlError);
    victim.rollback_quietly();
    BOOST_TEST(!my::kill(admin, victim.thread_id()));
}

BOOST_AUTO_TEST_CASE(a_lock_wait_and_a_deadlock_are_retried) {
    admin.execute("CREATE TABLE t.a (x INT PRIMARY KEY, y INT); INSERT INTO t.a VALUES (1, 1), (2, 2)");
    auto one = connect(), two = connect();
    one.execute("SET SESSION innodb_lock_wait_timeout = 1");
    two.execute("START TRANSACTION; UPDATE t.a SET y = 5 WHERE x = 2");
    one.execute("START TRANSACTION; UPDATE t.a SET y = 5 WHERE x = 1");
    const auto waited = refused(one, "UPDATE t.a SET y = 6 WHERE x = 2");
    BOOST_TEST(waited.sqlstate() == "55P03");
    BOOST_TEST((waited.recovery() == Recovery::retry_transaction));
    one.execute("SET SESSION innodb_lock_wait_timeout = 20");
    std::optional<SqlError> met;
    std::thread thread([&] {
        try {
            two.execute("UPDATE t.a SET y = 7 WHERE x = 1");
        } catch (const SqlError &error) {
            met = error;
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    try {
        one.execute("UPDATE t.a SET y = 7 WHERE x = 2");
        one.execute("ROLLBACK");
    } catch (const SqlError &error) {
        met = error;
    }
    thread.join();
    BOOST_REQUIRE(met);
    BOOST_TEST(met->sqlstate() == "40P01");
}

BOOST_AUTO_TEST_CASE(refused_logins_and_servers_that_are_not_there) {
    admin.execute("DROP USER IF EXISTS 'nobody'@'%'; CREATE USER 'nobody'@'%' IDENTIFIED BY 'secret'");
    auto url = server_url();
    const auto at = url.find("root");
    BOOST_REQUIRE(at != std::string::npos);
    auto wrong = url;
    wrong.replace(at, 4, "nobody:wrong-password");
    const auto login = unreachable(wrong);
    BOOST_TEST((login.kind() == ErrorKind::authentication));
    BOOST_TEST(std::string(login.what()).find("wrong-password") == std::string::npos);
    auto right = url;
    right.replace(at, 4, "nobody:secret");
    auto nobody = connect(right);
    const auto denied = refused(nobody, "SELECT * FROM mysql.user");
    BOOST_TEST((denied.kind() == ErrorKind::permission));
    admin.execute("CREATE TABLE t.a (x INT)");
    BOOST_TEST((refused(nobody, "INSERT INTO t.a VALUES (1)").kind() == ErrorKind::permission));
    const auto nothing = unreachable("mysql://root@127.0.0.1:1/x?connect-timeout=2");
    BOOST_TEST((nothing.recovery() == Recovery::reconnect));
    BOOST_TEST((nothing.kind() == ErrorKind::connection));
    admin.execute("DROP USER 'nobody'@'%'");
}

BOOST_AUTO_TEST_CASE(encryption_that_is_demanded_is_not_done_without) {
    const auto url = server_url();
    const auto sign = url.find('?') == std::string::npos ? "?" : "&";
    if (admin.encrypted()) // a server with a certificate of its own making
        BOOST_CHECK_THROW(static_cast<void>(connect(url + sign + "ssl-mode=verify_identity")), Error);
    else
        BOOST_CHECK_THROW(static_cast<void>(connect(url + sign + "ssl-mode=required")), Error);
}

BOOST_AUTO_TEST_CASE(a_packet_that_is_too_large_names_the_setting) {
    const auto error = refused(admin, "SELECT '" + std::string(admin.max_allowed_packet() + 10, 'x') + "'");
    BOOST_TEST((error.sqlstate() == "54000" || error.recovery() == Recovery::reconnect), error.sqlstate());
}

BOOST_AUTO_TEST_SUITE_END()
