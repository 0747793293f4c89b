// mysql_statements_test.cpp: SQL text for MySQL: what is quoted how decides what is compared with what.
#include "target/mysql/statements.hpp"

#include "base/error.hpp"
#include "target/mysql/row_json.hpp"
#include "target/mysql/values.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target;

namespace {

struct Fixture {
    Fixture() {
        add("id", "int4", "int", true);
        add("code", "text", "varchar", true);
        add("n", "numeric", "decimal", false);
        add("at", "timestamp", "datetime", false);
        add("b", "bytea", "longblob", false);
        table.name = {"shop", "it`s"};
        table.mysql = dialect::mysql::Flavour::mariadb;
        relation.name = {"public", "its"};
        key = {.name = "PRIMARY", .columns = {"id", "code"}, .operators = {"=", "="}, .primary = true};
    }

    void add(const std::string &name, const std::string &type, const std::string &target_type, bool in_key) {
        const auto known = dialect::mysql::built_in(type);
        Column column;
        column.name = name;
        column.type_oid = known.oid;
        column.type_name = type;
        column.key = in_key;
        if (in_key) relation.key_columns.push_back(static_cast<std::uint32_t>(relation.columns.size()));
        relation.columns.push_back(column);
        TargetColumn target;
        target.name = name;
        auto &mysql = target.mysql.emplace();
        mysql.data_type = mysql.column_type = target_type;
        if (target_type == "varchar")
            mysql.collation = "utf8mb4_nopad_bin", mysql.charset = "utf8mb4", mysql.length = 100;
        if (target_type == "decimal") mysql.precision = 20, mysql.scale = 5;
        if (target_type == "datetime") mysql.fraction = 6;
        table.columns.push_back(target);
    }

    TablePlan plan() {
        table.keys = {key};
        return make_table_plan(relation, table);
    }

    static Value text(std::string_view bytes) { return {ValueKind::text, bytes}; }

    Relation relation;
    TargetTable table;
    TargetKey key;
    const Value null{}, unchanged{ValueKind::unchanged, {}};
    const std::vector<Value> row{text("1"), text("o'x"), text("2.50"), text("2024-02-29 12:00:00"), text("\\x00ff")};
    const std::vector<Value> other{text("2"), text(""), null, null, null};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(mysql_statements, Fixture)

BOOST_AUTO_TEST_CASE(values_stand_by_the_type_of_their_column) {
    const auto made = plan();
    BOOST_TEST(mysql::insert_row(made, row) == "INSERT INTO `shop`.`it``s` (`id`, `code`, `n`, `at`, `b`) VALUES "
                                               "(1,'o''x',2.50,'2024-02-29 12:00:00',x'00FF')");
    BOOST_TEST(mysql::update_row(made, {2, 4}, row, other) ==
               "UPDATE `shop`.`it``s` FORCE INDEX (`PRIMARY`) SET `n` = NULL, `b` = NULL WHERE `id` = 1 AND `code` = "
               "'o''x'");
    BOOST_TEST(mysql::update_row(made, {}, row, other) ==
               "SELECT 1 FROM `shop`.`it``s` FORCE INDEX (`PRIMARY`) WHERE `id` "
               "= 1 AND `code` = 'o''x' FOR UPDATE");
    BOOST_TEST(mysql::delete_row(made, row) == "DELETE FROM `shop`.`it``s` WHERE `id` = 1 AND `code` = 'o''x'");
}

BOOST_AUTO_TEST_CASE(sets_of_rows_are_one_statement) {
    const auto made = plan();
    const std::vector<Row> keys{row, other};
    BOOST_TEST(mysql::delete_set(made, keys) ==
               "DELETE FROM `shop`.`it``s` WHERE (`id`, `code`) IN ((1,'o''x'),(2,''))");
    BOOST_TEST(
        mysql::update_set(made, {2}, keys, keys) ==
        "UPDATE `shop`.`it``s` FORCE INDEX (`PRIMARY`) SET `n` = CASE WHEN `id` = 1 AND `code` = 'o''x' THEN '2.50' "
        "WHEN `id` = 2 AND `code` = '' THEN NULL END WHERE (`id`, `code`) IN ((1,'o''x'),(2,''))");
}

BOOST_AUTO_TEST_CASE(a_single_key_column_is_compared_once) {
    key.columns = {"id"};
    relation.key_columns = {0};
    const auto made = plan();
    const std::vector<Row> keys{row, other};
    BOOST_TEST(
        mysql::update_set(made, {3}, keys, keys) ==
        "UPDATE `shop`.`it``s` FORCE INDEX (`PRIMARY`) SET `at` = CASE `id` WHEN 1 THEN '2024-02-29 12:00:00' WHEN 2 "
        "THEN NULL END WHERE `id` IN (1,2)");
    BOOST_TEST(mysql::find_set(made, keys, false) ==
               "SELECT 1 FROM `shop`.`it``s` FORCE INDEX (`PRIMARY`) WHERE `id` IN "
               "(1,2)");
}

BOOST_AUTO_TEST_CASE(rows_without_a_key_are_found_by_all_columns_and_one_is_taken) {
    relation.identity = ReplicaIdentity::full;
    const auto made = make_table_plan(relation, table);
    BOOST_TEST(mysql::delete_row(made, row) ==
               "DELETE FROM `shop`.`it``s` WHERE `id` = 1 AND `code` = 'o''x' AND `n` = 2.50 AND `at` = "
               "TIMESTAMP'2024-02-29 12:00:00' AND `b` = x'00FF' LIMIT 1");
    BOOST_TEST(mysql::where_row(made, other) ==
               "`id` = 2 AND `code` = '' AND `n` IS NULL AND `at` IS NULL AND `b` IS NULL LIMIT 1");
}

BOOST_AUTO_TEST_CASE(what_the_server_sets_by_itself_is_kept) {
    table.columns[3].changes_by_itself = true;
    const auto made = plan();
    BOOST_TEST(mysql::update_row(made, {2}, row, row).find("SET `n` = 2.50, `at` = `at` WHERE") != std::string::npos);
    BOOST_TEST(mysql::update_row(made, {3}, row, row).find("SET `at` = '2024-02-29 12:00:00' WHERE") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_number_column_takes_no_statement_for_a_number) {
    const auto made = plan();
    auto odd = row;
    odd[0] = text("1); DROP TABLE x; --");
    BOOST_TEST(mysql::delete_row(made, odd).find("`id` = '1); DROP TABLE x; --'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(rows_are_shown_as_json) {
    const auto made = plan();
    BOOST_TEST(mysql::row_json(made, row) == "{\"id\": 1, \"code\": \"o'x\", \"n\": 2.50, \"at\": \"2024-02-29 "
                                             "12:00:00\", \"b\": \"\\\\x00ff\"}");
    const std::vector<Value> part{text("7"), unchanged, null, unchanged, unchanged};
    BOOST_TEST(mysql::row_json(made, part) == "{\"id\": 7, \"n\": null}");
    BOOST_TEST(mysql::key_for_people(made, row) == "id = 1, code = o'x");
}

BOOST_AUTO_TEST_SUITE_END()
