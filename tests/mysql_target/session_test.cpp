// session_test.cpp: the connection: settings, statements, results, LOAD DATA from memory.
#include "support.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

using namespace walbridge;
using namespace walbridge::testing;

BOOST_FIXTURE_TEST_SUITE(sessions, Fixture)

BOOST_AUTO_TEST_CASE(a_session_has_its_settings_whatever_the_server_says) {
    const auto mode = admin.value("SELECT @@sql_mode").value();
    for (const auto *part : {"STRICT_ALL_TABLES", "NO_BACKSLASH_ESCAPES", "NO_AUTO_VALUE_ON_ZERO"})
        BOOST_TEST(mode.find(part) != std::string::npos, part);
    BOOST_TEST(rows("SELECT @@time_zone, @@character_set_client, @@character_set_results") == "+00:00|utf8mb4|utf8mb4");
    BOOST_TEST(admin.value(admin.mariadb() ? "SELECT @@tx_isolation" : "SELECT @@transaction_isolation").value() ==
               "READ-COMMITTED");
    BOOST_TEST(admin.max_allowed_packet() > 1000000U);
    BOOST_TEST(admin.version().number > 80000);
    BOOST_TEST(std::to_string(admin.thread_id()) == admin.value("SELECT CONNECTION_ID()").value());
}

BOOST_AUTO_TEST_CASE(values_travel_as_they_are) {
    const std::string text = "it's \\ \"quoted\" `x` \n\t\r % _ \xF0\x9F\x98\x80 \x1A";
    const auto rows = admin.ask(sql::Statement("SELECT $1, $2, $1"), {text, std::nullopt});
    BOOST_TEST(rows.text(0, 0) == text);
    BOOST_TEST(rows.null(0, 1));
    BOOST_TEST(rows.text(0, 2) == text);
    std::string statement = "SELECT HEX(";
    my::append_bytes(statement, std::string_view("\0'\\\xff", 4));
    BOOST_TEST(admin.value(statement + ")").value() == "00275CFF");
    BOOST_TEST(admin.value("SELECT ''").value().empty());
    BOOST_TEST(!admin.value("SELECT NULL"));
    BOOST_TEST(!admin.value("SELECT 1 FROM DUAL WHERE FALSE"));
}

BOOST_AUTO_TEST_CASE(found_rows_are_counted_even_if_nothing_changes) {
    admin.execute("CREATE TABLE t.a (x INT PRIMARY KEY, y INT); INSERT INTO t.a VALUES (1, 1), (2, 2)");
    BOOST_TEST(admin.execute("UPDATE t.a SET y = 1").affected == 2);
    BOOST_TEST(admin.execute("UPDATE t.a SET y = 1").affected == 2);
    BOOST_TEST(admin.ask("UPDATE t.a SET y = 1 WHERE x = $1", {"2"}).affected() == 1);
    const auto all = admin.execute_all("UPDATE t.a SET y = 5 WHERE x = 1; SELECT * FROM t.a; DELETE FROM t.a");
    BOOST_TEST(all.size() == 3U);
    BOOST_TEST(all[0].affected == 1);
    BOOST_TEST(all[1].affected == 2);
    BOOST_TEST(all[2].affected == 2);
}

BOOST_AUTO_TEST_CASE(statements_behind_a_refused_one_are_not_executed_and_the_session_goes_on) {
    admin.execute("CREATE TABLE t.a (x INT PRIMARY KEY)");
    for (int attempt = 0; attempt < 2; ++attempt) {
        BOOST_CHECK_EXCEPTION(
            admin.execute("INSERT INTO t.a VALUES (1); INSERT INTO t.a VALUES (1); INSERT INTO t.a VALUES (2)"),
            SqlError, [](const SqlError &error) { return error.sqlstate() == "23505"; });
        BOOST_TEST(rows("SELECT * FROM t.a") == "1");
    }
    admin.start("INSERT INTO t.a VALUES (3); INSERT INTO t.a VALUES (3)");
    BOOST_CHECK_THROW(admin.finish(), SqlError);
    admin.start("INSERT INTO t.a VALUES (4); SELECT 1; UPDATE t.a SET x = x");
    const auto outcomes = admin.finish();
    BOOST_TEST(outcomes.size() == 3U);
    BOOST_TEST(outcomes[2].affected == 3);
    BOOST_CHECK_THROW(admin.query("SELECT nothing"), SqlError);
    BOOST_TEST(admin.value("SELECT 1").value() == "1");
}

BOOST_AUTO_TEST_CASE(a_strict_session_refuses_what_does_not_fit) {
    admin.execute("CREATE TABLE t.a (x TINYINT, y VARCHAR(2))");
    for (const auto *values : {"('abc', '')", "(1000, '')", "(1, 'abc')"})
        BOOST_CHECK_THROW(admin.execute(std::string("INSERT INTO t.a VALUES ") + values), SqlError);
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "0");
}

BOOST_AUTO_TEST_CASE(rows_are_loaded_from_memory) {
    admin.execute("CREATE TABLE t.a (x INT PRIMARY KEY, y TEXT CHARACTER SET utf8mb4)");
    int count = 0;
    const auto next = [&]() -> std::string_view {
        return ++count > 3 ? "" : count == 1 ? "1\tone\n2\ttw" : count == 2 ? "o\n" : "3\t\xC3\xA4\n";
    };
    const auto outcome =
        admin.load("LOAD DATA LOCAL INFILE 'rows' INTO TABLE t.a CHARACTER SET utf8mb4 FIELDS ESCAPED BY ''", next);
    BOOST_TEST(outcome.affected == 3);
    BOOST_TEST(outcome.warnings == 0U);
    BOOST_TEST(rows("SELECT * FROM t.a") == "1|one\n2|two\n3|\xC3\xA4");
    count = 3; // duplicates vanish with a warning: that is why warnings are looked at
    const auto again = [&, done = false]() mutable -> std::string_view {
        return std::exchange(done, true) ? "" : "1\tother\nabc\tx\n";
    };
    const auto warned =
        admin.load("LOAD DATA LOCAL INFILE 'rows' INTO TABLE t.a CHARACTER SET utf8mb4 FIELDS ESCAPED BY ''", again);
    BOOST_TEST(warned.warnings > 0U);
    BOOST_TEST(!admin.warnings().empty());
}

BOOST_AUTO_TEST_CASE(no_file_of_this_machine_is_ever_read) {
    admin.execute("CREATE TABLE t.a (x TEXT)");
    BOOST_CHECK_THROW(admin.execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t.a"), Error);
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "0");
    BOOST_TEST(admin.value("SELECT 1").value() == "1");
}

BOOST_AUTO_TEST_CASE(what_a_source_of_rows_throws_arrives) {
    admin.execute("CREATE TABLE t.a (x INT)");
    admin.execute("START TRANSACTION");
    int count = 0;
    BOOST_CHECK_THROW(admin.load("LOAD DATA LOCAL INFILE 'rows' INTO TABLE t.a",
                                 [&]() -> std::string_view {
                                     if (count++ == 0) return "1\n2\n";
                                     throw std::range_error("gone");
                                 }),
                      std::range_error);
    admin.execute("ROLLBACK");
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "0");
    BOOST_TEST(admin.value("SELECT 1").value() == "1");
}

BOOST_AUTO_TEST_CASE(a_transaction_is_known_and_rolled_back) {
    admin.execute("CREATE TABLE t.a (x INT)");
    BOOST_TEST(!admin.in_transaction());
    admin.execute("START TRANSACTION; INSERT INTO t.a VALUES (1)");
    BOOST_TEST(admin.in_transaction());
    admin.rollback_quietly();
    BOOST_TEST(!admin.in_transaction());
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "0");
}

BOOST_AUTO_TEST_SUITE_END()
