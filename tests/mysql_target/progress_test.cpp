// progress_test.cpp: one truth about what the target holds, whoever asks for it.
#include "base/sql/fence.hpp"
#include "support.hpp"

#include "target/mysql/progress.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

using namespace walbridge;
using namespace walbridge::testing;

BOOST_FIXTURE_TEST_SUITE(progress, Fixture)

BOOST_AUTO_TEST_CASE(a_take_over_raises_the_epoch_and_keeps_the_position) {
    const auto first = target::mysql::take_over(admin, "test").value();
    BOOST_TEST(first.epoch == 1U);
    BOOST_TEST(first.position.value == 1U);
    target::mysql::create_progress(admin, "test", Lsn{99});
    BOOST_TEST(target::mysql::take_over(admin, "test").value().epoch == 2U);
    BOOST_TEST(!target::mysql::take_over(admin, "another"));
}

BOOST_AUTO_TEST_CASE(commits_move_the_row_and_are_durable_at_once) {
    auto &ledger = take_over();
    auto session = open();
    session->begin();
    session->commit({Lsn{0x20}, 7, 1'000'000});
    BOOST_TEST(rows("SELECT position, counter, commit_time FROM walbridge.progress") ==
               "0/20|7|2000-01-01 00:00:01.000000");
    session->begin();
    session->commit({Lsn{0x30}, 0, 0});
    BOOST_TEST(rows("SELECT position, counter FROM walbridge.progress") == "0/30|7");
    BOOST_TEST(ledger.durability().durable.value == 0x30U);
    BOOST_TEST(!ledger.durability().outstanding);
}

BOOST_AUTO_TEST_CASE(whoever_was_taken_over_from_commits_no_more) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY)");
    auto session = open();
    auto other = connect();
    static_cast<void>(target::mysql::take_over(other, "test"));
    session->begin();
    BOOST_CHECK_EXCEPTION(session->commit({Lsn{0x20}, 1, 1}), Error,
                          [](const Error &error) { return error.kind() == ErrorKind::fenced; });
    BOOST_TEST(!session->in_transaction());
    BOOST_TEST(rows("SELECT position FROM walbridge.progress") == "0/1");
}

BOOST_AUTO_TEST_CASE(an_edited_position_is_no_position_to_go_on_from) {
    auto session = open();
    admin.execute("UPDATE walbridge.progress SET position = '0/FF'");
    session->begin();
    BOOST_CHECK_EXCEPTION(session->commit({Lsn{0x20}, 1, 1}), SqlError,
                          [](const SqlError &error) { return error.recovery() == Recovery::reconnect; });
}

BOOST_AUTO_TEST_CASE(a_session_that_lost_its_process_is_ended) {
    auto abandoned = connect();
    target::mysql::mark_session(abandoned, "test");
    abandoned.execute("START TRANSACTION; UPDATE walbridge.progress SET position = '0/50' WHERE task = 'test'");
    const auto progress = target::mysql::take_over(admin, "test", 1).value();
    BOOST_TEST(progress.position.value == 1U);
    BOOST_CHECK_THROW(abandoned.execute("COMMIT"), SqlError);
}

BOOST_AUTO_TEST_CASE(a_commit_that_is_under_way_is_waited_for) {
    auto slow = connect();
    slow.execute("START TRANSACTION; UPDATE walbridge.progress SET position = '0/50' WHERE task = 'test'");
    std::thread thread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        slow.execute("COMMIT");
    });
    const auto progress = target::mysql::take_over(admin, "test", 5).value();
    thread.join();
    BOOST_TEST(progress.position.value == 0x50U);
}

BOOST_AUTO_TEST_CASE(a_copy_holds_a_take_over_up_and_sees_one_that_was) {
    const auto epoch = target::mysql::take_over(admin, "test").value().epoch;
    auto copy = connect();
    copy.execute("START TRANSACTION");
    sql::Fence("test", epoch).hold(copy);
    BOOST_CHECK_THROW(sql::Fence("test", epoch + 1).hold(copy), Error);
    auto other = connect();
    other.execute("SET SESSION innodb_lock_wait_timeout = 1");
    BOOST_CHECK_THROW(other.execute("UPDATE walbridge.progress SET epoch = 100"), SqlError);
    copy.execute("COMMIT");
}

BOOST_AUTO_TEST_CASE(commits_that_are_not_durable_are_refused) {
    static_cast<void>(take_over());
    admin.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    BOOST_CHECK_EXCEPTION(open(), Error, [](const Error &error) {
        return error.remedy().find("innodb_flush_log_at_trx_commit = 1") != std::string::npos;
    });
    admin.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    BOOST_CHECK_NO_THROW(open());
}

BOOST_AUTO_TEST_SUITE_END()
