// table_rules_test.cpp: precedence of rules for tables, and their JSON.
#include "wire/table_rules.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::wire;

namespace {
using Map = std::map<std::string, std::string>;
using List = std::vector<std::string>;
} // namespace

BOOST_AUTO_TEST_SUITE(table_rules)

BOOST_AUTO_TEST_CASE(the_first_entry_that_says_something_wins_part_by_part) {
    TableRules rules;
    TableRule exact;
    exact.where = "id > 1";
    rules.add("public.customer", exact);
    TableRule pattern;
    pattern.where = "true";
    pattern.exclude_columns = List{"secret*"};
    rules.add("public.*", pattern);
    const TableRule customer = rules.of("public", "customer");
    BOOST_TEST(*customer.where == "id > 1");
    BOOST_TEST(!customer.takes("secret_note"));
    BOOST_TEST(customer.takes("name"));
    BOOST_TEST(*rules.of("public", "other").where == "true");
    BOOST_TEST(rules.of("crm", "other").empty());
}

BOOST_AUTO_TEST_CASE(a_partition_takes_from_the_tables_above_it_what_its_own_entries_leave_open) {
    TableRules rules;
    TableRule root, middle, leaf;
    root.where = "root";
    root.columns = Map{{"email", "md5(email)"}};
    middle.where = "middle";
    leaf.operations = Operations{true, false, false, false};
    rules.add("public.root", root);
    rules.add("public.middle", middle);
    rules.add("public.leaf", leaf);
    const TableName names[] = {{"public", "leaf"}, {"public", "middle"}, {"public", "root"}};
    const TableRule rule = rules.of(names);
    BOOST_TEST(*rule.where == "middle");
    BOOST_TEST(rule.columns->at("email") == "md5(email)");
    BOOST_TEST(!rule.operations->update);
}

BOOST_AUTO_TEST_CASE(a_column_with_an_expression_travels_though_it_is_excluded) {
    TableRule rule;
    rule.include_columns = List{"id", "n?me"};
    rule.exclude_columns = List{"id"};
    rule.columns = Map{{"email", "md5(email)"}};
    BOOST_TEST(!rule.takes("id"));
    BOOST_TEST(rule.takes("name"));
    BOOST_TEST(rule.takes("email"));
    BOOST_TEST(!rule.takes("phone"));
}

BOOST_AUTO_TEST_CASE(json_there_and_back) {
    TableRules rules;
    TableRule rule;
    rule.where = "region = 'EU' AND \"x\" <> '\\'";
    rule.include_columns = List{"*"};
    rule.exclude_columns = List{"a", "b"};
    rule.columns = Map{{"email", "md5(email)"}};
    rule.types = Map{{"email", "varchar(32)"}};
    rule.operations = Operations{true, true, false, false};
    rules.add("public.\"Cust.omer\"", rule);
    const TableRules again = parse_rules(to_json(rules));
    BOOST_TEST((again.of("public", "Cust.omer") == rule));
    BOOST_TEST(to_json(again) == to_json(rules));
    BOOST_TEST(parse_rules("[]").empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_the_entry) {
    const auto reason = [](const char *text) {
        try {
            parse_rules(text);
        } catch (const PatternError &error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    BOOST_TEST(reason("{}") == "not a list of entries");
    BOOST_TEST(reason(R"([{"table": "a.b", "wher": "x"}])").find("entry 1: unknown key \"wher\"") == 0);
    BOOST_TEST(reason(R"([{"table": "a.b"}, {"table": "b"}])").find("entry 2: invalid pattern \"b\"") == 0);
    BOOST_TEST(reason(R"([{"table": "a.b", "operations": ["ddl"]}])").find("entry 1: unknown operation \"ddl\"") == 0);
    BOOST_TEST(reason(R"([{"table": "a.b", "where": 1}])").find("entry 1: ") == 0);
    BOOST_TEST(reason("[").find("parse error") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
