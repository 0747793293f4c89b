// exact_test.cpp: tables as the target describes them, and one change at a time.
#include "support.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::testing;
using namespace walbridge::target;

namespace {

constexpr auto collation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

std::string text_type(my::Session &session, const std::string &type) {
    return type + " CHARACTER SET utf8mb4 COLLATE " + (session.mariadb() ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin");
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(exact_path, Fixture)

BOOST_AUTO_TEST_CASE(a_table_is_described) {
    admin.execute("CREATE TABLE t.a (id BIGINT UNSIGNED AUTO_INCREMENT, code " + text_type(admin, "VARCHAR(40)") +
                  " NOT NULL, d DECIMAL(10,3), at DATETIME(6), twice BIGINT AS (d * 2) STORED, long_text " +
                  text_type(admin, "TEXT") +
                  ", stamp TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), PRIMARY "
                  "KEY (id), UNIQUE KEY by_code (code, d), UNIQUE KEY by_prefix (long_text(10)), KEY plain (at))");
    auto session = open();
    const auto table = session->describe({"t", "a"}).value();
    BOOST_TEST(table.columns.size() == 7U);
    BOOST_TEST(table.columns[0].not_null);
    BOOST_TEST(table.columns[0].mysql->is_unsigned);
    BOOST_TEST(!table.columns[0].identity_always);
    BOOST_TEST(table.columns[1].mysql->length.value() == 40U);
    BOOST_TEST(table.columns[2].mysql->precision.value() == 10);
    BOOST_TEST(table.columns[2].mysql->scale.value() == 3);
    BOOST_TEST(table.columns[3].mysql->fraction.value() == 6);
    BOOST_TEST(table.columns[4].generated);
    BOOST_TEST(!table.columns[6].generated);
    BOOST_TEST(table.columns[6].changes_by_itself);
    BOOST_REQUIRE(table.keys.size() == 3U);
    BOOST_TEST(table.keys[0].primary);
    BOOST_TEST((table.keys[1].columns == std::vector<std::string>{"code", "d"}));
    BOOST_TEST(table.keys[1].usable);
    BOOST_TEST(!table.keys[2].usable);
    BOOST_TEST(table.oid == session->describe({"t", "a"})->oid);
    BOOST_TEST(!session->describe({"t", "nothing"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_take_part_in_transactions_is_refused) {
    admin.execute(
        "CREATE TABLE t.m (id INT PRIMARY KEY) ENGINE = MyISAM; CREATE TABLE t.a (id INT PRIMARY KEY); CREATE "
        "VIEW t.v AS SELECT * FROM t.a");
    auto session = open();
    BOOST_CHECK_EXCEPTION(session->describe({"t", "m"}), Error, [](const Error &error) {
        return error.kind() == ErrorKind::target_shape && error.remedy().find("ENGINE = InnoDB") != std::string::npos;
    });
    BOOST_CHECK_THROW(session->describe({"t", "v"}), Error);
}

BOOST_AUTO_TEST_CASE(a_missing_column_is_named_in_the_targets_words) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY)");
    auto session = open();
    const Source source("a", "id int4, extra int8");
    BOOST_CHECK_EXCEPTION(static_cast<void>(make_table_plan(source.relation, *session->describe({"t", "a"}))), Error,
                          [](const Error &error) {
                              return error.remedy().find("ALTER TABLE `t`.`a` ADD COLUMN `extra` bigint") !=
                                     std::string::npos;
                          });
}

BOOST_AUTO_TEST_CASE(keys_that_the_target_finds_equal_are_no_keys_to_collapse_by) {
    admin.execute(fmt::format("CREATE TABLE t.a (id VARCHAR(20) {} PRIMARY KEY); CREATE TABLE t.b (id {} PRIMARY KEY)",
                              collation, text_type(admin, "VARCHAR(20)")));
    auto session = open();
    const Source a("a", "id text"), b("b", "id text");
    const auto padded = make_table_plan(a.relation, *session->describe({"t", "a"}));
    const auto exact = make_table_plan(b.relation, *session->describe({"t", "b"}));
    BOOST_TEST(padded.extra_unique_keys);
    BOOST_TEST(!padded.unique_keys[0].comparable);
    BOOST_TEST(!exact.extra_unique_keys);
    BOOST_TEST(exact.unique_keys[0].comparable);
    BOOST_TEST(exact.bulk_eligible());
}

BOOST_AUTO_TEST_CASE(one_change_hits_one_row) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY, v " + text_type(admin, "VARCHAR(20)") +
                  ", n DECIMAL(20,2), UNIQUE KEY u (v))");
    auto session = open();
    Source source("a", "id int4, v text, n numeric");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    BOOST_TEST(session->apply(plan, source.insert({"1", "it's", "1.50"}), false).affected == 1);
    BOOST_TEST(session->apply(plan, source.insert({"2", std::nullopt, std::nullopt}), false).affected == 1);
    const auto twice = session->apply(plan, source.insert({"1", "x", "1"}), true);
    BOOST_TEST(twice.violation);
    BOOST_TEST(twice.constraint == "PRIMARY");
    const auto second = session->apply(plan, source.insert({"3", "it's", "1"}), true);
    BOOST_TEST(second.violation);
    BOOST_TEST(second.constraint == "u");
    BOOST_TEST(session->apply(plan, source.update({"1", "it's", "1.50"}), false).affected == 1); // equal values
    BOOST_TEST(session->apply(plan, source.update({"1", unchanged, "2.5"}), false).affected == 1);
    BOOST_TEST(session->apply(plan, source.update({"9", "z", "2.5"}), false).affected == 0);
    BOOST_TEST(
        session->apply(plan, source.update({"8", "b", "3"}, std::vector<Cell>{"2", std::nullopt, std::nullopt}), false)
            .affected == 1);
    BOOST_TEST(session->apply(plan, source.remove({"9", std::nullopt, std::nullopt}), false).affected == 0);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT * FROM t.a ORDER BY id") == "1|it's|2.50\n8|b|3.00");
}

BOOST_AUTO_TEST_CASE(rows_without_a_key_are_found_by_every_column) {
    admin.execute("CREATE TABLE t.a (i INT, v " + text_type(admin, "VARCHAR(20)") +
                  ", n DECIMAL(20,2), f DOUBLE, d DATETIME(6), b VARBINARY(10))");
    auto session = open();
    Source source("a", "i int4, v text, n numeric, f float8, d timestamp, b bytea", 0, ReplicaIdentity::full);
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    BOOST_TEST((plan.lookup == Lookup::full_row));
    const std::vector<Cell> row{"1", "a ", "1.5", "0.1", "2024-02-29 12:00:00.000001", "\\x00ff"};
    const std::vector<Cell> nulls(6);
    session->begin();
    for (int copies = 0; copies < 3; ++copies) session->apply(plan, source.insert(row), false);
    session->apply(plan, source.insert(nulls), false);
    auto other = row;
    other[1] = "a";
    BOOST_TEST(session->apply(plan, source.remove(other), false).affected == 0); // 'a' is not 'a '
    BOOST_TEST(session->apply(plan, source.remove(row), false).affected == 1);
    auto changed = row;
    changed[0] = "2";
    BOOST_TEST(session->apply(plan, source.update(changed, row), false).affected == 1);
    BOOST_TEST(session->apply(plan, source.remove(nulls), false).affected == 1);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT i, v, n, f, d, HEX(b) FROM t.a ORDER BY i") ==
               "1|a |1.50|0.1|2024-02-29 12:00:00.000001|00FF\n2|a |1.50|0.1|2024-02-29 12:00:00.000001|00FF");
}

BOOST_AUTO_TEST_CASE(zero_keeps_its_sign_where_the_server_has_one) {
    admin.execute("CREATE TABLE t.a (f DOUBLE, v INT)");
    auto session = open();
    Source source("a", "f float8, v int4", 0, ReplicaIdentity::full);
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    for (const auto *f : {"0", "-0", "0", "-0"}) session->apply(plan, source.insert({f, "1"}), false);
    BOOST_TEST(session->apply(plan, source.remove({"-0", "1"}), false).affected == 1);
    BOOST_TEST(session->apply(plan, source.update({"-0", "2"}, std::vector<Cell>{"0", "1"}), false).affected == 1);
    session->commit({Lsn{0x20}, 1, 1});
    const std::string minus = admin.mariadb() ? "0" : "-0"; // MariaDB has no -0
    BOOST_TEST(rows("SELECT CAST(f AS CHAR), v FROM t.a ORDER BY 2, 1") == minus + "|1\n0|1\n" + minus + "|2");
}

BOOST_AUTO_TEST_CASE(large_numbers_are_not_compared_as_doubles) {
    admin.execute("CREATE TABLE t.a (id DECIMAL(38,0) PRIMARY KEY, b BIGINT)");
    auto session = open();
    Source source("a", "id numeric, b int8");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    for (const auto *id : {"12345678901234567890123456789012345678", "12345678901234567890123456789012345679"})
        session->apply(plan, source.insert({id, "9223372036854775807"}), false);
    BOOST_TEST(
        session->apply(plan, source.remove({"12345678901234567890123456789012345678", std::nullopt}), false).affected ==
        1);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT * FROM t.a") == "12345678901234567890123456789012345679|9223372036854775807");
}

BOOST_AUTO_TEST_CASE(a_column_that_the_server_sets_by_itself_keeps_the_sources_value) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY, v INT, at DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE "
                  "CURRENT_TIMESTAMP(6))");
    auto session = open();
    Source source("a", "id int4, v int4, at timestamp");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    session->apply(plan, source.insert({"1", "1", "2020-01-01 00:00:00"}), false);
    session->apply(plan, source.update({"1", "2", unchanged}), false);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT v, at FROM t.a") == "2|2020-01-01 00:00:00.000000");
}

BOOST_AUTO_TEST_CASE(a_value_that_does_not_fit_names_table_column_and_row) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY, f DOUBLE)");
    auto session = open();
    Source source("a", "id int4, f float8");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    BOOST_CHECK_EXCEPTION(session->apply(plan, source.insert({"5", "NaN"}), false), Error, [](const Error &error) {
        const std::string text = error.what();
        return error.kind() == ErrorKind::target_data && text.find("t.a") != std::string::npos &&
               text.find("column f") != std::string::npos && text.find("id = 5") != std::string::npos;
    });
    session->rollback();
}

BOOST_AUTO_TEST_CASE(a_null_does_not_become_the_time_or_a_number) {
    admin.execute(
        "CREATE TABLE t.a (id INT PRIMARY KEY, at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), n INT NOT "
        "NULL AUTO_INCREMENT UNIQUE)");
    auto session = open();
    Source source("a", "id int4, at timestamptz, n int4");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    for (const auto &row :
         {std::vector<Cell>{"1", std::nullopt, "1"}, std::vector<Cell>{"1", "2024-01-01 00:00:00+00", std::nullopt}})
        BOOST_CHECK_EXCEPTION(session->apply(plan, source.insert(row), false), Error, [](const Error &error) {
            return error.kind() == ErrorKind::target_data && error.reason().find("NOT NULL") != std::string::npos;
        });
    BOOST_TEST(session->apply(plan, source.insert({"1", "2024-01-01 00:00:00+00", "0"}), false).affected == 1);
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT * FROM t.a") == "1|2024-01-01 00:00:00.000000|0"); // 0 is a number like any other
}

BOOST_AUTO_TEST_CASE(a_row_that_fits_no_packet_names_the_setting_and_the_row) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY, v LONGTEXT CHARACTER SET utf8mb4)");
    auto session = open();
    Source source("a", "id int4, v text");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    const std::string large(admin.max_allowed_packet(), 'x');
    session->begin();
    BOOST_CHECK_EXCEPTION(session->apply(plan, source.insert({"5", large}), false), Error, [](const Error &error) {
        const std::string text = error.what();
        return text.find("max_allowed_packet") != std::string::npos && text.find("id = 5") != std::string::npos;
    });
    session->rollback();
}

BOOST_AUTO_TEST_CASE(truncate_stays_inside_the_transaction) {
    admin.execute("CREATE TABLE t.a (id INT PRIMARY KEY); INSERT INTO t.a VALUES (1), (2)");
    auto session = open();
    Source source("a", "id int4");
    const auto plan = make_table_plan(source.relation, *session->describe({"t", "a"}));
    session->begin();
    session->truncate({&plan}, true);
    session->rollback();
    BOOST_TEST(rows("SELECT COUNT(*) FROM t.a") == "2");
    session->begin();
    session->delete_range(plan, "id", std::nullopt, "2");
    session->commit({Lsn{0x20}, 1, 1});
    BOOST_TEST(rows("SELECT * FROM t.a") == "2");
}

BOOST_AUTO_TEST_CASE(ddl_takes_the_beginning_of_its_transaction_along) {
    const std::vector<CommittingCommand> commands{{"CREATE TABLE t.a (id INT PRIMARY KEY)", {{"t", "a"}}},
                                                  {"ALTER TABLE t.a ADD v INT", {{"t", "a"}}}};
    auto session = open();
    session->begin();
    BOOST_TEST(!session->ddl().execute_committing(commands, {Lsn{5}, 2}));
    BOOST_TEST(session->in_transaction());
    session->ddl().store_table_definition(7, "{}");
    session->rollback(); // as a crash would
    BOOST_TEST(rows("SELECT commit_lsn, `changes` FROM walbridge.begun_transaction") == "0/5|2");

    session = open();
    session->begin();
    BOOST_TEST(!session->ddl().execute_committing(commands, {Lsn{5}, 2}), "nothing is executed a second time");
    BOOST_TEST(session->ddl().table_definitions().empty());
    session->ddl().store_table_definition(7, "{}");
    session->commit({Lsn{9}, 4, 0});
    BOOST_TEST(rows("SELECT count(*) FROM walbridge.begun_transaction") == "0");
    BOOST_TEST(rows("SELECT `position`, `counter` FROM walbridge.progress") == "0/9|4");
    BOOST_TEST(session->ddl().table_definitions().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_command_is_tried_again_and_those_before_it_are_not) {
    admin.execute("CREATE TABLE t.b (other INT)");
    const std::vector<CommittingCommand> commands{{"CREATE TABLE t.a (id INT PRIMARY KEY)", {{"t", "a"}}},
                                                  {"CREATE TABLE t.b (id INT PRIMARY KEY)", {{"t", "b"}}}};
    auto session = open();
    session->begin();
    const auto failed = session->ddl().execute_committing(commands, {Lsn{5}, 0});
    BOOST_REQUIRE(failed);
    BOOST_TEST(failed->sqlstate == "42P07");
    BOOST_TEST(failed->command == commands[1].sql);
    session->rollback();
    admin.execute("DROP TABLE t.b");
    session = open();
    session->begin();
    BOOST_TEST(!session->ddl().execute_committing(commands, {Lsn{5}, 0}));
    session->commit({Lsn{9}, 1, 0});
    BOOST_TEST(session->ddl().relation_exists({"t", "b"}));
}

BOOST_AUTO_TEST_CASE(statements_are_recorded) {
    auto session = open();
    auto &ddl = session->ddl();
    BOOST_TEST(!ddl.relation_exists({"t", "b"}));
    BOOST_TEST(ddl.schema_exists("t"));
    DdlRecord record;
    record.commit_lsn = Lsn{5};
    record.number = 3;
    record.text = "ALTER TABLE";
    record.commands = {"a", "it's"};
    const auto id = ddl.record(record);
    record.state = DdlState::skipped;
    BOOST_TEST(ddl.record(record) == id);
    BOOST_TEST(ddl.recorded_state(Lsn{5}, 3, 0).value() == "skipped");
    BOOST_TEST(!ddl.recorded_state(Lsn{6}, 3, 0));
    BOOST_TEST(rows("SELECT commands FROM walbridge.ddl_statement") == "[\"a\",\"it's\"]");
}

BOOST_AUTO_TEST_SUITE_END()
