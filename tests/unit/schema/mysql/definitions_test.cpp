// definitions_test.cpp: the statements for MySQL and MariaDB, what is left out, and names that cannot be.
#include "schema/mysql/definitions.hpp"

#include "schema/mysql/fidelity.hpp"
#include "schema/mysql/presence.hpp"

#include "source_builder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace walbridge;
using namespace walbridge::schema;
using namespace walbridge::schema::mysql;
using dialect::mysql::built_in;
using dialect::mysql::Flavour;
using namespace walbridge::testing;

namespace {

Definitions make(const std::vector<SourceTable> &tables, Flavour flavour = Flavour::mysql) {
    DefinitionOptions options;
    options.flavour = flavour;
    return make_definitions(tables, options);
}

std::string statement(const Definitions &made, const char *type, int number = 0) {
    for (const auto &item : made.items)
        if (item.type == type && number-- == 0) return item.statement;
    return "none";
}

std::string reason(const Definitions &made, const std::string &object) {
    const auto found = std::ranges::find(made.left_out, object, &LeftOut::object);
    return found == made.left_out.end() ? "none" : found->reason;
}

bool mentions(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

constexpr const char *row_end =
    "\n) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin";

} // namespace

BOOST_AUTO_TEST_CASE(a_table_comes_with_its_key_defaults_checks_and_comments) {
    auto orders = table(1, "orders",
                        {column(1, "id", "int4", true, "nextval('orders_id_seq'::regclass)"),
                         column(2, "at", "timestamptz", true, "now()"), column(3, "total", "numeric", false, "0"),
                         column(4, "twice", "numeric", false, "(total * (2)::numeric)"), column(6, "note", "text")},
                        {key("orders_pkey", {1}, true, true), key("orders_at", {2, 6})},
                        {check("orders_total_check", "(total >= (0)::numeric)")});
    orders.columns[3].generated = 's';
    orders.columns[4].comment = "it's";
    orders.comment = "All orders";
    orders.indexes[1].descending = {true, false};
    const auto made = make({orders});
    BOOST_TEST(statement(made, "DATABASE") ==
               "CREATE DATABASE IF NOT EXISTS `shop` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin");
    BOOST_TEST(statement(made, "TABLE") ==
               std::string("CREATE TABLE `shop`.`orders` (\n"
                           "  `id` int NOT NULL AUTO_INCREMENT,\n"
                           "  `at` datetime(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),\n"
                           "  `total` decimal(65,30) DEFAULT '0',\n"
                           "  `twice` decimal(65,30) GENERATED ALWAYS AS ((`total` * 2)) STORED,\n"
                           "  `note` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin COMMENT 'it''s',\n"
                           "  PRIMARY KEY (`id`),\n"
                           "  CONSTRAINT `orders_total_check` CHECK ((`total` >= 0))") +
                   row_end + " COMMENT 'All orders'");
    BOOST_TEST(statement(made, "INDEX") == "ALTER TABLE `shop`.`orders` ADD KEY `orders_at` (`at` DESC, `note`(766))");
    BOOST_TEST(made.left_out.empty());
    BOOST_TEST(made.items.size() == 3U);
    BOOST_TEST(made.items[1].number == 2);
    BOOST_TEST(made.items[1].name == "shop.orders");
    BOOST_TEST((made.items[2].section == Section::index));
    BOOST_TEST(made.items[2].table.value_or("") == "shop.orders");
}

BOOST_AUTO_TEST_CASE(long_columns_share_the_room_of_a_key) {
    BOOST_TEST(share_out({8, 3072, 3072}, 3072) == (std::vector<std::size_t>{8, 1532, 1532}),
               boost::test_tools::per_element());
    const auto made =
        make({table(1, "t", {column(1, "a", "text", true), column(2, "b", "int8", true), column(3, "c", "bytea", true)},
                    {key("t_pkey", {1, 2, 3}, true, true)})});
    const auto sql = statement(made, "TABLE");
    BOOST_TEST(mentions(sql, "`a` varchar(383) "));
    BOOST_TEST(mentions(sql, "`c` varbinary(1532) "));
}

BOOST_AUTO_TEST_CASE(a_row_wider_than_the_server_allows_keeps_its_widest_text_elsewhere) {
    std::vector<SourceColumn> columns = {column(1, "id", "int4", true)};
    for (int number = 2; number <= 20; ++number) {
        columns.push_back(column(number, ("c" + std::to_string(number)).c_str(), "varchar"));
        columns.back().type.typmod = 1004; // varchar(1000): 4,002 bytes
    }
    const auto sql = statement(make({table(1, "t", columns, {key("t_pkey", {1}, true, true)})}), "TABLE");
    BOOST_TEST(mentions(sql, "`c2` longtext"));
    BOOST_TEST(mentions(sql, "`c20` varchar(1000)"));
}

BOOST_AUTO_TEST_CASE(many_short_columns_are_made_long_enough_to_leave_a_row_of_mariadb) {
    std::vector<SourceColumn> columns = {column(1, "id", "int4", true), column(2, "token", "uuid")};
    for (int number = 3; number <= 100; ++number) {
        columns.push_back(column(number, ("c" + std::to_string(number)).c_str(), "varchar"));
        columns.back().type.typmod = 44; // varchar(40): 160 bytes
    }
    const std::vector tables = {table(1, "t", columns, {key("t_pkey", {1}, true, true)})};
    const auto mariadb = statement(make(tables, Flavour::mariadb), "TABLE");
    BOOST_TEST(mentions(mariadb, "`c3` varchar(64) "));
    BOOST_TEST(mentions(mariadb, "`c100` varchar(40) "));
    BOOST_TEST(!mentions(statement(make(tables), "TABLE"), "varchar(64)"));
    columns.resize(40);
    BOOST_TEST(!mentions(statement(make({table(1, "t", columns)}, Flavour::mariadb), "TABLE"), "varchar(64)"));
}

BOOST_AUTO_TEST_CASE(without_a_primary_key_the_rows_are_stored_by_a_total_unique_key) {
    auto made =
        make({table(1, "t", {column(1, "a", "int4"), column(2, "b", "int4", true), column(3, "c", "int4", true)},
                    {key("t_a", {1}, true), key("t_b", {2}, true), key("t_c", {3}, true)})});
    BOOST_TEST(mentions(statement(made, "TABLE"), "UNIQUE KEY `t_b` (`b`)"));
    BOOST_TEST(statement(made, "INDEX") ==
               "ALTER TABLE `shop`.`t` ADD UNIQUE KEY `t_a` (`a`), ADD UNIQUE KEY `t_c` (`c`)");
    // AUTO_INCREMENT brings the key it needs along.
    auto serial = column(3, "c", "int8", true);
    serial.identity = 'd';
    made = make({table(1, "t", {column(1, "a", "int4", true), serial},
                       {key("t_pkey", {1}, true, true), key("t_c", {3, 1}, true)})});
    BOOST_TEST(mentions(statement(made, "TABLE"), "`c` bigint NOT NULL AUTO_INCREMENT"));
    BOOST_TEST(mentions(statement(made, "TABLE"), "UNIQUE KEY `t_c` (`c`, `a`)"));
    made = make({table(1, "t", {column(1, "a", "int4", true), serial}, {key("t_pkey", {1, 3}, true, true)})});
    BOOST_TEST(!mentions(statement(made, "TABLE"), "AUTO_INCREMENT"));
    BOOST_TEST(mentions(reason(made, "public.t default of column c"), "begins with the column"));
}

BOOST_AUTO_TEST_CASE(foreign_keys_follow_the_parents_key) {
    auto parent = table(1, "parent", {column(1, "a", "text", true), column(2, "b", "int4", true)},
                        {key("parent_pkey", {2, 1}, true, true)});
    auto child =
        table(2, "child", {column(1, "x", "text"), column(2, "y", "int4")}, {}, {foreign_key("fk", {1, 2}, 1, {1, 2})});
    child.constraints[0].on_delete = 'c';
    child.constraints[0].on_update = 'n';
    const auto made = make({parent, child});
    BOOST_TEST(mentions(statement(made, "TABLE", 1), "`x` varchar(767) "));
    BOOST_TEST(statement(made, "FK CONSTRAINT") ==
               "ALTER TABLE `shop`.`child` ADD CONSTRAINT `fk` FOREIGN KEY (`y`, `x`) REFERENCES `shop`.`parent` "
               "(`b`, `a`) ON DELETE CASCADE ON UPDATE SET NULL");
    BOOST_TEST((made.items.back().section == Section::foreign_key));

    const auto left = [&](auto change) {
        auto tables = std::vector{parent, child};
        change(tables);
        const auto without = make(tables);
        BOOST_TEST(statement(without, "FK CONSTRAINT") == "none");
        return reason(without, "public.child foreign key fk");
    };
    BOOST_TEST(mentions(left([](auto &tables) { tables.erase(tables.begin()); }), "not selected"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[0].kind = 'p'; }), "partitioned"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[1].constraints[0].on_delete = 'd'; }), "SET DEFAULT"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[1].constraints[0].match = 'f'; }), "MATCH FULL"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[1].columns[0].not_null = true; }), "NOT NULL"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[1].columns[1].type = built_in("int8"); }), "bigint and int"));
    BOOST_TEST(mentions(left([](auto &tables) { tables[0].indexes.clear(); }), "not on the target"));
}

BOOST_AUTO_TEST_CASE(what_has_no_counterpart_is_left_out_with_its_reason) {
    auto base = table(1, "t",
                      {column(1, "id", "int4", true), column(2, "doc", "jsonb"),
                       column(3, "at", "timestamp", false, "(now() + '1 day'::interval)")},
                      {key("t_pkey", {1}, true, true), key("t_gin", {2}), key("t_partial", {1}, true),
                       key("t_expression", {0}), key("t_later", {1}, true), key("t_broken", {1})},
                      {check("t_regex", "(doc ? 'a'::text)")});
    base.indexes[1].method = "gin";
    base.indexes[2].partial = true;
    base.indexes[3].expressions = true;
    base.indexes[4].immediate = false;
    base.indexes[5].valid = false;
    auto root = table(2, "parts", {column(1, "id", "int4")});
    root.kind = 'p';
    const auto made = make({base, root});
    BOOST_TEST(reason(made, "public.t index t_gin") == "gin indexes have no counterpart");
    BOOST_TEST(reason(made, "public.t index t_partial") == "a partial unique index has no counterpart");
    BOOST_TEST(reason(made, "public.t index t_expression") == "it has expressions");
    BOOST_TEST(mentions(reason(made, "public.t index t_later"), "deferrable"));
    BOOST_TEST(mentions(reason(made, "public.t index t_broken"), "not valid"));
    BOOST_TEST(mentions(reason(made, "public.t check t_regex"), "doc"));
    BOOST_TEST(mentions(reason(made, "public.t default of column at"), "1 day"));
    BOOST_TEST(mentions(reason(made, "public.parts"), "partitioned"));
    BOOST_TEST(statement(made, "INDEX") == "ALTER TABLE `shop`.`t` ADD KEY `t_later` (`id`)");
    BOOST_TEST(!mentions(statement(made, "TABLE"), "DEFAULT (")); // nothing of the column "at"
    BOOST_TEST(statement(made, "TABLE", 1) == "none");
}

BOOST_AUTO_TEST_CASE(checks_that_mysql_refuses_are_left_out) {
    auto serial = column(1, "id", "int4", true);
    serial.identity = 'a';
    const auto parent = table(1, "parent", {column(1, "id", "int4", true)}, {key("parent_pkey", {1}, true, true)});
    auto child =
        table(2, "child", {serial, column(2, "parent", "int4")}, {key("child_pkey", {1}, true, true)},
              {check("positive", "(id > 0)"), check("parent", "(parent > 0)"), foreign_key("fk", {2}, 1, {1})});
    child.constraints[2].on_update = 'c';
    const auto made = make({parent, child});
    BOOST_TEST(mentions(reason(made, "public.child check positive"), "AUTO_INCREMENT"));
    BOOST_TEST(mentions(reason(made, "public.child check parent"), "foreign key fk"));
}

BOOST_AUTO_TEST_CASE(constraint_names_are_unique_in_a_database) {
    const auto one = [](std::uint32_t oid, const char *name) {
        return table(oid, name, {column(1, "a", "int4")}, {}, {check("positive", "(a > 0)")});
    };
    const auto made = make({one(1, "t"), one(2, "u"), one(3, std::string(60, 'x').c_str())});
    BOOST_TEST(mentions(statement(made, "TABLE", 0), "CONSTRAINT `positive` "));
    BOOST_TEST(mentions(statement(made, "TABLE", 1), "CONSTRAINT `u_positive` "));
    BOOST_TEST(mentions(statement(made, "TABLE", 2), ("CONSTRAINT `" + std::string(60, 'x') + "_pos` ").c_str()));
}

BOOST_AUTO_TEST_CASE(names_that_the_target_cannot_have_are_errors) {
    const auto problems = [](std::vector<SourceTable> tables, bool lower_case = false) {
        DefinitionOptions options;
        options.lower_case_tables = lower_case;
        const auto made = make_definitions(tables, options);
        BOOST_TEST((made.errors.empty() || made.items.empty()));
        return made.errors.size();
    };
    BOOST_TEST(problems({table(1, "t", {column(1, "a", "int4"), column(2, "A", "int4")})}) == 1U);
    BOOST_TEST(problems({table(1, "t ", {column(1, "a", "int4")})}) == 1U);
    BOOST_TEST(problems({table(1, "t", {column(1, "a ", "int4")})}) == 1U);
    BOOST_TEST(problems({table(1, "t", {})}) == 1U);
    const std::vector two = {table(1, "t", {column(1, "a", "int4")}), table(2, "T", {column(1, "a", "int4")})};
    BOOST_TEST(problems(two) == 0U);
    BOOST_TEST(problems(two, true) == 1U);
    auto reserved = table(1, "t", {column(1, "a", "int4")});
    reserved.target.schema = "mysql";
    BOOST_TEST(problems({reserved}) == 1U);
}

BOOST_AUTO_TEST_CASE(an_items_object_is_asked_for_by_the_names_in_its_statement) {
    const auto query = [](const char *type, const char *statement) {
        Item item;
        item.type = type;
        item.statement = statement;
        return presence_query(item);
    };
    BOOST_TEST(query("DATABASE", "CREATE DATABASE IF NOT EXISTS `a``b` DEFAULT") ==
               "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'a`b'");
    BOOST_TEST(query("TABLE", "CREATE TABLE `a`.`it's` (\n `x` int)") ==
               "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'a' AND table_name = 'it''s'");
    BOOST_TEST(query("INDEX", "ALTER TABLE `a`.`t` ADD UNIQUE KEY `k` (`x`), ADD KEY `l` (`x`)") ==
               "SELECT count(*) FROM information_schema.statistics WHERE table_schema = 'a' AND table_name = 't' AND "
               "index_name = 'k'");
    BOOST_TEST(
        query("FK CONSTRAINT", "ALTER TABLE `a`.`t` ADD CONSTRAINT `f` FOREIGN KEY (`x`)") ==
        "SELECT count(*) FROM information_schema.table_constraints WHERE table_schema = 'a' AND table_name = 't' "
        "AND constraint_name = 'f'");
    BOOST_CHECK_THROW((void)query("VIEW", "CREATE VIEW"), Error);
}

BOOST_AUTO_TEST_CASE(values_that_do_not_fit_are_counted_in_one_pass) {
    const auto report = judge_fidelity({table(1, "t",
                                              {column(1, "id", "text", true), column(2, "n", "numeric"),
                                               column(3, "d", "date"), column(4, "i", "int4")},
                                              {key("t_pkey", {1}, true, true)})},
                                       {});
    BOOST_REQUIRE(report.size() == 1U);
    BOOST_TEST(report[0].columns.size() == 4U);
    BOOST_TEST(report[0].columns[0].target_type == "varchar(768)");
    BOOST_TEST(mentions(report[0].columns[0].remark, "768"));
    BOOST_TEST(report[0].checks.size() == 7U);
    const auto query = report[0].scan_query();
    BOOST_TEST(mentions(query, "FILTER (WHERE char_length(\"id\"::text) > 768)"));
    BOOST_TEST(mentions(query, "FILTER (WHERE min_scale(\"n\") > 30)"));
    BOOST_TEST(mentions(query, "FROM ONLY \"public\".\"t\""));
    BOOST_TEST(judge_fidelity({table(1, "t", {column(1, "i", "int4")})}, {})[0].scan_query().empty());
}
