// conflict_test.cpp: rows in the way, policies through the exact path, and what is written down.
#include "support.hpp"

#include "apply/exact_applier.hpp"
#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::testing;
using namespace walbridge::target;

namespace {

struct Table : Fixture {
    Table() {
        const auto text = std::string(" CHARACTER SET utf8mb4 COLLATE ") +
                          (admin.mariadb() ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin");
        admin.execute(
            "CREATE TABLE t.a (id INT PRIMARY KEY, v VARCHAR(20)" + text +
            ", n DECIMAL(10,2), b VARBINARY(10), UNIQUE KEY u (v)); INSERT INTO t.a VALUES (1, 'a', 1, x'00'), (2, "
            "'b', 2, NULL), (3, NULL, 3, NULL)");
    }
    void start(ConflictPolicy policy) {
        config.conflict.policy = policy;
        session = open();
        plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
        exact.emplace(config, *session);
        session->begin();
    }
    void apply(const RowChange &change) { exact->apply(plan, change, {Lsn{0x10}, 5, number++, {}}); }
    void commit() { session->commit({Lsn{0x20}, 1, 1}); }

    Source source{"a", "id int4, v text, n numeric, b bytea"};
    std::unique_ptr<MysqlApplySession> session;
    TablePlan plan;
    std::optional<walbridge::apply::ExactApplier> exact;
    std::uint64_t number = 0;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(conflicts, Table)

BOOST_AUTO_TEST_CASE(the_source_wins_under_overwrite) {
    start(ConflictPolicy::overwrite);
    apply(source.insert({"1", "b", "9", {}}));      // two rows in the way
    apply(source.update({"3", "b", "4", {}}));      // another row in the way
    apply(source.update({"7", "x", "7", "\\xff"})); // no such row
    apply(source.remove({"8", {}, {}, {}}));        // no such row
    commit();
    BOOST_TEST(rows("SELECT id, v, n, HEX(b) FROM t.a ORDER BY id") == "3|b|4.00|NULL\n7|x|7.00|FF");
    BOOST_TEST(
        rows("SELECT kind, outcome, operation, commit_lsn, `change`, `key` FROM walbridge.conflict ORDER BY id") ==
        "multiple_unique_conflicts|overwrote target|insert|0/10|0|{\"id\": 1}\n"
        "update_exists|overwrote target|update|0/10|1|{\"id\": 3}\n"
        "update_missing|converted to insert|update|0/10|2|{\"id\": 7}\n"
        "delete_missing|kept target|delete|0/10|3|{\"id\": 8}");
    BOOST_TEST(
        rows("SELECT target_row, source_row FROM walbridge.conflict ORDER BY id LIMIT 1") ==
        "[{\"id\": 1, \"v\": \"a\", \"n\": 1.00, \"b\": \"\\\\x00\"},{\"id\": 2, \"v\": \"b\", \"n\": 2.00, \"b\": "
        "null}]|{\"id\": 1, \"v\": \"b\", \"n\": 9, \"b\": null}");
    BOOST_TEST(rows("SELECT source_row FROM walbridge.conflict WHERE `change` = 2") ==
               "{\"id\": 7, \"v\": \"x\", \"n\": 7, \"b\": \"\\\\xff\"}");
}

BOOST_AUTO_TEST_CASE(the_target_wins_under_ignore) {
    start(ConflictPolicy::ignore);
    apply(source.insert({"1", "z", "9", {}}));
    apply(source.update({"3", "b", "4", {}}));
    commit();
    BOOST_TEST(rows("SELECT id, v, n FROM t.a ORDER BY id") == "1|a|1.00\n2|b|2.00\n3|NULL|3.00");
    BOOST_TEST(rows("SELECT kind, outcome, constraint_name FROM walbridge.conflict ORDER BY id") ==
               "insert_exists|kept target|PRIMARY\nupdate_exists|kept target|u");
}

BOOST_AUTO_TEST_CASE(under_fail_nothing_stands_but_the_record) {
    start(ConflictPolicy::fail);
    apply(source.insert({"5", "e", "5", {}}));
    BOOST_CHECK_EXCEPTION(apply(source.insert({"1", "z", "9", {}})), Error, [](const Error &error) {
        const std::string text = error.what();
        return error.kind() == ErrorKind::conflict && text.find("target row {\"id\": 1") != std::string::npos;
    });
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "3");
    BOOST_TEST(rows("SELECT kind, outcome FROM walbridge.conflict") == "insert_exists|stopped");
    // An operator decides, and the change goes on when it comes again.
    admin.execute("UPDATE walbridge.conflict SET decision = 'overwrite'");
    session.reset();
    number = 0;
    start(ConflictPolicy::fail);
    apply(source.insert({"5", "e", "5", {}}));
    apply(source.insert({"1", "z", "9", {}}));
    commit();
    BOOST_TEST(rows("SELECT v FROM t.a WHERE id = 1") == "z");
    BOOST_TEST(rows("SELECT kind, outcome FROM walbridge.conflict") == "insert_exists|overwrote target");
}

BOOST_AUTO_TEST_CASE(a_long_row_is_shown_by_length_and_digest) {
    admin.execute(
        "CREATE TABLE t.long_rows (id INT PRIMARY KEY, x LONGTEXT CHARACTER SET utf8mb4, y LONGTEXT CHARACTER SET "
        "utf8mb4); INSERT INTO t.long_rows VALUES (1, REPEAT('x', 60000), REPEAT('y', 60000)), (2, REPEAT('x', "
        "100000), '')");
    Source wide("long_rows", "id int4, x text, y text");
    start(ConflictPolicy::ignore);
    const auto wide_plan = make_table_plan(wide.relation, *session->describe({"t", "long_rows"}));
    std::vector<Value> row{{ValueKind::text, "1"}, {ValueKind::text, "a"}, {ValueKind::null, {}}};
    const auto met = session->rows_in_the_way(wide_plan, row, nullptr);
    BOOST_REQUIRE(met.size() == 1U);
    BOOST_TEST(met[0].shown.starts_with("{\"bytes\": 120"));
    BOOST_TEST(met[0].key == "{\"id\": 1}");
    row[0].bytes = "2";
    BOOST_TEST(session->rows_in_the_way(wide_plan, row, nullptr).at(0).shown ==
               "{\"id\": 2, \"x\": \"(100000 bytes)\", \"y\": \"\"}");
    const std::string large(5000, 'z');
    row[1].bytes = large;
    BOOST_TEST(session->row_as_json(wide_plan, row) == "{\"id\": 2, \"x\": \"(5000 bytes)\", \"y\": null}");
    session->rollback();
}

BOOST_AUTO_TEST_CASE(the_row_itself_is_not_in_its_own_way) {
    start(ConflictPolicy::overwrite);
    const std::vector<Value> row{
        {ValueKind::text, "1"}, {ValueKind::text, "b"}, {ValueKind::null, {}}, {ValueKind::null, {}}};
    const Row key(row);
    BOOST_TEST(session->rows_in_the_way(plan, row, nullptr).size() == 2U);
    const auto others = session->rows_in_the_way(plan, row, &key);
    BOOST_REQUIRE(others.size() == 1U);
    BOOST_TEST(others[0].key == "{\"id\": 2}");
    BOOST_TEST(session->delete_conflicting(plan, row, &key) == 1);
    session->rollback();
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "3");
}

BOOST_AUTO_TEST_SUITE_END()
