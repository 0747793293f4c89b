// mysql_failure_test.cpp: what can be done about each error number, and what version strings say.
#include "base/mysql/failure.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::my;

BOOST_AUTO_TEST_SUITE(mysql_errors)

BOOST_AUTO_TEST_CASE(recovery_and_kind_follow_the_error_number) {
    struct Case {
        unsigned number;
        const char *message;
        const char *sqlstate;
        Recovery recovery;
        ErrorKind kind;
    };
    using enum Recovery;
    for (const auto &one : {
             Case{1213, "Deadlock found", "40P01", retry_transaction, ErrorKind::resource},
             Case{1205, "Lock wait timeout", "55P03", retry_transaction, ErrorKind::resource},
             Case{3572, "NOWAIT", "55P03", retry_transaction, ErrorKind::resource},
             Case{1412, "Table definition has changed", "40001", retry_transaction, ErrorKind::resource},
             Case{1317, "Query execution was interrupted", "57014", retry_transaction, ErrorKind::resource},
             Case{2006, "Server has gone away", "08006", reconnect, ErrorKind::connection},
             Case{2013, "Lost connection", "08006", reconnect, ErrorKind::connection},
             Case{2002, "Can't connect", "08001", reconnect, ErrorKind::connection},
             Case{1927, "Connection was killed", "57P01", reconnect, ErrorKind::connection},
             Case{1053, "Server shutdown in progress", "57P01", reconnect, ErrorKind::connection},
             Case{1180, "Got error 5 during COMMIT", "08007", reconnect, ErrorKind::connection},
             Case{1040, "Too many connections", "53300", reconnect, ErrorKind::resource},
             Case{1203, "User has more than", "53300", reconnect, ErrorKind::resource},
             Case{1021, "Disk full", "53100", reconnect, ErrorKind::resource},
             Case{1114, "The table is full", "53100", reconnect, ErrorKind::resource},
             Case{1030, "Got error 28 from storage engine", "53100", reconnect, ErrorKind::resource},
             Case{1045, "Access denied", "28P01", stop, ErrorKind::authentication},
             Case{1698, "Access denied", "28P01", stop, ErrorKind::authentication},
             Case{2026, "SSL connection error: certificate verify failed", "28000", stop, ErrorKind::authentication},
             Case{2026, "SSL connection error: Connection reset by peer", "08001", reconnect, ErrorKind::connection},
             Case{1044, "Access denied to database", "42501", stop, ErrorKind::permission},
             Case{1142, "SELECT command denied", "42501", stop, ErrorKind::permission},
             Case{1143, "SELECT command denied", "42501", stop, ErrorKind::permission},
             Case{1227, "Access denied; you need", "42501", stop, ErrorKind::permission},
             Case{1062, "Duplicate entry '1' for key 'PRIMARY'", "23505", stop, ErrorKind::target_data},
             Case{1153, "Got a packet bigger", "54000", stop, ErrorKind::target_data},
             Case{2020, "Packet too large", "54000", stop, ErrorKind::target_data},
             Case{1366, "Incorrect integer value", "22P02", stop, ErrorKind::target_data},
             Case{1264, "Out of range", "22003", stop, ErrorKind::target_data},
             Case{1406, "Data too long", "22001", stop, ErrorKind::target_data},
             Case{1292, "Incorrect datetime value", "22007", stop, ErrorKind::target_data},
             Case{1048, "cannot be null", "23502", stop, ErrorKind::target_data},
             Case{1146, "doesn't exist", "42P01", stop, ErrorKind::target_data},
             Case{1290, "running with the --read-only option", "25006", stop, ErrorKind::target_data},
             Case{9999, "something new", "HY000", stop, ErrorKind::target_data},
         }) {
        const auto error = error_of({one.number, "HY000", one.message}, "target", "SELECT 1");
        BOOST_TEST(error.sqlstate() == one.sqlstate, one.number);
        BOOST_TEST((error.recovery() == one.recovery), one.number);
        BOOST_TEST((error.kind() == one.kind), one.number);
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_number_keeps_the_servers_own_sqlstate) {
    BOOST_TEST(sqlstate_of({9999, "08S01", "x"}) == "08S01");
    BOOST_TEST(sqlstate_of({9999, "", "x"}) == "HY000");
}

BOOST_AUTO_TEST_CASE(a_packet_that_is_too_large_names_the_setting) {
    BOOST_TEST(error_of({1153, "08S01", "Got a packet bigger"}, "target", "").remedy().find("max_allowed_packet") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_key_of_a_duplicate_is_taken_behind_the_value) {
    BOOST_TEST(duplicate_key("Duplicate entry '1-x' for key 'PRIMARY'") == "PRIMARY");
    BOOST_TEST(duplicate_key("Duplicate entry ' for key 'a'' for key 'orders.by name'") == "orders.by name");
    BOOST_TEST(duplicate_key("something else").empty());
    const auto error = error_of({1062, "23000", "Duplicate entry 'x' for key 'u'"}, "target", "INSERT");
    BOOST_TEST(error.fields().constraint == "u");
}

BOOST_AUTO_TEST_CASE(versions_are_read) {
    struct Case {
        const char *text;
        Flavour flavour;
        int number;
    };
    for (const auto &one : {Case{"10.11.6-MariaDB-0+deb12u1", Flavour::mariadb, 101106},
                            Case{"5.5.5-10.11.6-MariaDB", Flavour::mariadb, 101106},
                            Case{"11.4.2-MariaDB-ubu2404-log", Flavour::mariadb, 110402},
                            Case{"8.0.36", Flavour::mysql, 80036}, Case{"8.4.0-0ubuntu1", Flavour::mysql, 80400},
                            Case{"9.7.0-log", Flavour::mysql, 90700}, Case{"", Flavour::mysql, 0}}) {
        const auto version = parse_version(one.text);
        BOOST_TEST((version.flavour == one.flavour), one.text);
        BOOST_TEST(version.number == one.number, one.text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
