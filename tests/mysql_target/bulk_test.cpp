// bulk_test.cpp: operations over many rows, and that their counts prove what they did.
#include "support.hpp"

#include "apply/bulk_applier.hpp"

#include <boost/test/unit_test.hpp>
#include <thread>

using namespace walbridge;
using namespace walbridge::testing;
using namespace walbridge::target;

namespace {

struct Table : Fixture {
    Table() {
        const auto text = std::string(" CHARACTER SET utf8mb4 COLLATE ") +
                          (admin.mariadb() ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin");
        admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY, v VARCHAR(2000)" + text +
                      ", n DECIMAL(65,10), f DOUBLE, b "
                      "LONGBLOB, at DATETIME(6)); CREATE TABLE t.two (x INT, y VARCHAR(20)" +
                      text + ", v INT, PRIMARY KEY (x, y))");
        session = open();
        plan = make_table_plan(a.relation, *session->describe({"t", "a"}));
        two_plan = make_table_plan(two.relation, *session->describe({"t", "two"}));
    }

    bool apply(const std::vector<RowChange> &list, const TablePlan &used) {
        changes.assign(list.begin(), list.end());
        std::vector<walbridge::apply::PlannedChange> planned;
        for (const auto &change : changes) planned.push_back({&change, &used, {}});
        return walbridge::apply::apply_in_bulk(*session, planned);
    }
    bool apply_and_commit(const std::vector<RowChange> &list, const TablePlan &used, CommitPosition position) {
        changes.assign(list.begin(), list.end());
        std::vector<walbridge::apply::PlannedChange> planned;
        for (const auto &change : changes) planned.push_back({&change, &used, {}});
        return walbridge::apply::apply_and_commit(*session, planned, position);
    }
    std::vector<Cell> row(int id, const std::string &v) {
        return {std::to_string(id),          v, "123456789012345678901234567890.5", "0.1", "\\x0027",
                "2024-02-29 12:00:00.000001"};
    }

    std::deque<Change> changes;
    Source a{"a", "id int4, v text, n numeric, f float8, b bytea, at timestamp"},
        two{"two", "x int4, y text, v int4", 2};
    std::unique_ptr<MysqlApplySession> session;
    TablePlan plan, two_plan;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(bulk_path, Table)

BOOST_AUTO_TEST_CASE(many_rows_are_inserted_updated_and_deleted) {
    constexpr int count = 2500;
    std::vector<RowChange> list;
    for (int id = 0; id < count; ++id) list.push_back(a.insert(row(id, "it's " + std::to_string(id))));
    session->begin();
    BOOST_TEST(apply(list, plan), session->mismatch());
    list.clear();
    for (int id = 0; id < count; ++id)
        if (id % 3 == 0)
            list.push_back(a.remove({std::to_string(id), {}, {}, {}, {}, {}}));
        else if (id % 3 == 1)
            list.push_back(a.update({std::to_string(id), "new " + std::to_string(id), unchanged,
                                     id % 2 == 0 ? Cell("1e300") : Cell(), unchanged, unchanged}));
        else
            list.push_back(a.update(
                {std::to_string(id), std::nullopt, "-1", "0.30000000000000004", "\\x41", "0001-01-01 00:00:00"}));
    BOOST_TEST(apply(list, plan), session->mismatch());
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT COUNT(*), COUNT(v), SUM(v = CONCAT('new ', id)), SUM(f = 1e300), SUM(f = "
                    "0.30000000000000004e0), SUM(n = -1), SUM(n = 123456789012345678901234567890.5), SUM(b = x'0027'), "
                    "SUM(at = '0001-01-01') FROM t.a") == "1666|833|833|416|833|833|833|833|833");
}

BOOST_AUTO_TEST_CASE(keys_of_several_columns) {
    std::vector<RowChange> list;
    for (int id = 0; id < 500; ++id)
        list.push_back(two.insert({std::to_string(id / 2), id % 2 == 0 ? "a" : "a ", "0"}));
    session->begin();
    BOOST_TEST(apply(list, two_plan), session->mismatch());
    list.clear();
    for (int id = 0; id < 500; ++id)
        list.push_back(id % 5 == 0
                           ? two.remove({std::to_string(id / 2), id % 2 == 0 ? "a" : "a ", {}})
                           : two.update({std::to_string(id / 2), id % 2 == 0 ? "a" : "a ", std::to_string(id)}));
    BOOST_TEST(apply(list, two_plan), session->mismatch());
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT COUNT(*), SUM(v = x * 2 + (y = 'a ')) FROM t.two") == "400|400");
}

BOOST_AUTO_TEST_CASE(whatever_deviates_is_noticed_and_taken_back) {
    admin.execute("INSERT INTO t.two VALUES (1, 'a', 1), (2, 'b', 2)");
    session->begin();
    BOOST_TEST(apply({two.update({"1", "a", "5"})}, two_plan));
    BOOST_TEST(!apply({two.update({"1", "a", "6"}), two.update({"9", "x", "6"})}, two_plan)); // no such row
    BOOST_TEST(session->mismatch().find("1 rows instead of 2") != std::string::npos);
    BOOST_TEST(!apply({two.remove({"9", "x", {}})}, two_plan));
    BOOST_TEST(!apply({two.insert({"7", "x", "1"}), two.insert({"2", "b", "1"})}, two_plan)); // there already
    BOOST_TEST(!apply({two.insert({"2", "b", "1"}), two.remove({"2", "b", {}})}, two_plan));  // came and went: absent
    BOOST_TEST(!apply({two.insert({"8", "x", "99999999999"})}, two_plan));                    // does not fit
    BOOST_TEST(apply({two.update({"2", "b", "7"})}, two_plan));
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT * FROM t.two ORDER BY x") == "1|a|5\n2|b|7");
}

BOOST_AUTO_TEST_CASE(a_value_that_no_column_holds_is_left_to_the_exact_path) {
    session->begin();
    auto bad = row(1, "x");
    bad[3] = "NaN";
    BOOST_TEST(!apply({a.insert(row(2, "x")), a.insert(bad)}, plan));
    BOOST_TEST(session->mismatch().find("column f") != std::string::npos);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "0");
}

BOOST_AUTO_TEST_CASE(changes_and_commit_in_one_exchange) {
    session->begin();
    BOOST_TEST(apply_and_commit({two.insert({"1", "a", "1"}), two.insert({"2", "b", "1"}), two.update({"1", "a", "2"})},
                                two_plan, {Lsn{0x20}, 1, 1}));
    BOOST_TEST(rows("SELECT position, counter FROM walbridge.progress") == "0/20|1");
    BOOST_TEST(rows("SELECT * FROM t.two ORDER BY x") == "1|a|2\n2|b|1");
    for (const auto &list : {std::vector{two.update({"1", "a", "3"}), two.update({"9", "z", "3"})},
                             std::vector{two.remove({"1", "a", {}}), two.remove({"9", "z", {}})},
                             std::vector{two.insert({"3", "c", "1"}), two.insert({"2", "b", "1"})},
                             std::vector{two.insert({"2", "b", "1"}), two.remove({"2", "b", {}})}}) {
        session->begin();
        BOOST_TEST(!apply_and_commit(list, two_plan, {Lsn{0x30}, 2, 1}));
        BOOST_TEST(!session->in_transaction());
        BOOST_TEST(rows("SELECT position, counter FROM walbridge.progress") == "0/20|1");
        BOOST_TEST(rows("SELECT * FROM t.two ORDER BY x") == "1|a|2\n2|b|1");
    }
    session->begin();
    BOOST_TEST(apply_and_commit({two.remove({"1", "a", {}})}, two_plan, {Lsn{0x40}, 3, 1}));
    BOOST_TEST(rows("SELECT position FROM walbridge.progress") == "0/40");
}

BOOST_AUTO_TEST_CASE(a_process_that_was_taken_over_from_commits_nothing_unseen) {
    auto other = connect();
    other.execute("UPDATE walbridge.progress SET epoch = epoch + 1");
    session->begin();
    BOOST_CHECK_EXCEPTION(
        static_cast<void>(apply_and_commit({two.insert({"1", "a", "1"})}, two_plan, {Lsn{0x20}, 1, 1})), Error,
        [](const Error &error) { return error.kind() == ErrorKind::fenced; });
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.two") == "0");
}

BOOST_AUTO_TEST_CASE(a_lock_that_somebody_holds_is_a_retry_of_everything) {
    admin.execute("INSERT INTO t.two VALUES (1, 'a', 1), (2, 'b', 1)");
    config.apply.lock_timeout = std::chrono::milliseconds(100);
    auto other = connect();
    other.execute("START TRANSACTION; UPDATE t.two SET v = 5 WHERE x = 1");
    auto impatient = open(1);
    impatient->begin();
    const Change change = two.update({"1", "a", "2"});
    const std::vector<walbridge::apply::PlannedChange> planned{{&change, &two_plan, {}}};
    BOOST_CHECK_EXCEPTION(static_cast<void>(walbridge::apply::apply_in_bulk(*impatient, planned)), SqlError,
                          [](const SqlError &error) { return error.recovery() == Recovery::retry_transaction; });
    impatient->rollback();
    other.execute("ROLLBACK");
    impatient->begin();
    BOOST_TEST(walbridge::apply::apply_in_bulk(*impatient, planned));
    impatient->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT v FROM t.two ORDER BY x") == "2\n1");
}

BOOST_AUTO_TEST_CASE(a_deadlock_leaves_nothing_behind_and_everything_is_done_again) {
    admin.execute("INSERT INTO t.two VALUES (1, 'a', 1), (2, 'b', 1); CREATE TABLE t.weight (x INT PRIMARY KEY)");
    auto other = connect();
    other.execute("START TRANSACTION; UPDATE t.two SET v = 5 WHERE x = 2");
    for (int row = 0; row < 200; ++row) // the server ends the transaction that has done less
        other.execute("INSERT INTO t.weight VALUES (" + std::to_string(row) + ")");
    std::thread thread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        other.execute("UPDATE t.two SET v = 6 WHERE x = 1; COMMIT");
    });
    const std::vector<RowChange> list{two.insert({"3", "c", "1"}), two.update({"1", "a", "2"})};
    session->begin();
    BOOST_TEST(apply(list, two_plan), session->mismatch());
    BOOST_CHECK_EXCEPTION(apply({two.update({"2", "b", "2"})}, two_plan), SqlError, [](const SqlError &error) {
        return error.recovery() == Recovery::retry_transaction && error.sqlstate() == "40P01";
    });
    session->rollback();
    thread.join();
    BOOST_TEST(rows("SELECT x, v FROM t.two ORDER BY x") == "1|6\n2|5");
    session->begin();
    BOOST_TEST(apply({two.insert({"3", "c", "1"}), two.update({"1", "a", "2"}), two.update({"2", "b", "2"})}, two_plan),
               session->mismatch());
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT x, v FROM t.two ORDER BY x") == "1|2\n2|2\n3|1");
}

BOOST_AUTO_TEST_CASE(a_connection_that_breaks_leaves_nothing_behind) {
    session->begin();
    BOOST_TEST(apply({two.insert({"1", "a", "1"})}, two_plan), session->mismatch());
    BOOST_TEST(my::kill(admin, static_cast<unsigned long long>(session->backend())));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    BOOST_CHECK_EXCEPTION(session->commit({Lsn{0x20}, 1, 1}), SqlError,
                          [](const SqlError &error) { return error.recovery() == Recovery::reconnect; });
    BOOST_TEST(!session->in_transaction());
    session->rollback();
    take_over();
    session = open();
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.two") == "0");
    BOOST_TEST(rows("SELECT position FROM walbridge.progress") == "0/1");
    session->begin();
    BOOST_TEST(apply({two.insert({"1", "a", "1"})}, two_plan), session->mismatch());
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.two") == "1");
}

BOOST_AUTO_TEST_CASE(large_rows_are_cut_into_statements_that_the_server_takes) {
    std::vector<RowChange> list;
    const std::string bytes(300000, 'e');
    for (int id = 0; id < 40; ++id) {
        auto one = row(id, "x");
        one[4] = "\\x" + bytes;
        list.push_back(a.insert(one));
    }
    session->begin();
    BOOST_TEST(apply(list, plan), session->mismatch());
    list.clear();
    for (int id = 0; id < 40; ++id) {
        auto one = row(id, "y");
        one[4] = "\\x" + bytes + "00";
        list.push_back(a.update(one));
    }
    BOOST_TEST(apply(list, plan), session->mismatch());
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT COUNT(*), MIN(LENGTH(b)), MAX(LENGTH(b)), MIN(v) FROM t.a") == "40|150001|150001|y");
}

BOOST_AUTO_TEST_SUITE_END()
