// identifiers_test.cpp: names in text, made up names, names in function bodies.
#include "ddl/bodies.hpp"
#include "ddl/identifiers.hpp"
#include "ddl/implied_names.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::ddl::testing {

namespace {

using Names = std::vector<std::string>;

std::string found(std::string_view body) {
    NameMap names;
    names.add_schema("app", "shop");
    names.add_table({"public", "orders"}, {"sales", "invoices"});
    std::string text;
    for (const std::string &name : renamed_names_in(body, names)) text += (text.empty() ? "" : " ") + name;
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(identifiers)

BOOST_AUTO_TEST_CASE(a_search_path_is_read_like_the_server_does) {
    BOOST_TEST((split_identifiers("\"$user\", public", ',') == Names{"$user", "public"}));
    BOOST_TEST((split_identifiers("App , \"My, Schema\",\"a\"\"b\"", ',') == Names{"app", "My, Schema", "a\"b"}));
    BOOST_TEST((split_identifiers("", ',') == Names{}));
    BOOST_TEST((split_identifiers("\"\"", ',') == Names{""}));
    for (const char *text : {"a,", ",a", "\"a", "a b", "a,,b"}) BOOST_TEST(!split_identifiers(text, ',').has_value());
}

BOOST_AUTO_TEST_CASE(names_are_quoted_where_they_must_be) {
    BOOST_TEST(join_identifiers({"app", "Order", "a\"b", "1a"}, ".") == "app.\"Order\".\"a\"\"b\".\"1a\"");
    BOOST_TEST((split_identifiers(join_identifiers({"x y", "ä"}, "."), '.') == Names{"x y", "ä"}));
}

BOOST_AUTO_TEST_CASE(made_up_names_fit_into_63_bytes) {
    BOOST_TEST(made_up_name("orders", "total", "check") == "orders_total_check");
    BOOST_TEST(made_up_name("orders", "", "pkey") == "orders_pkey");
    const std::string name = made_up_name(std::string(60, 'a'), std::string(60, 'b'), "key");
    BOOST_TEST(name.size() == 63U);
    BOOST_TEST(name == std::string(29, 'a') + "_" + std::string(29, 'b') + "_key");
    BOOST_TEST(made_up_name(std::string(58, 'a') + "ü", "", "pkey") == std::string(58, 'a') + "_pkey");
}

BOOST_AUTO_TEST_CASE(bodies_are_searched_for_renamed_names) {
    BOOST_TEST(found("begin return 1; end") == "");
    BOOST_TEST(found("select * from app.t") == "app.t");
    BOOST_TEST(found("select * from \"app\" . T") == "app.t");
    BOOST_TEST(found("select * from orders") == "orders");
    BOOST_TEST(found("select * from public.orders o where o.orders = 1") == "public.orders");
    BOOST_TEST(found("select * from other.orders") == "");
    BOOST_TEST(found("select 'application', apps.t -- app.t\n /* app.t /* x */ */") == "");
    BOOST_TEST(found("execute 'select * from app.t'") == "app.t");
    BOOST_TEST(found("execute format('select * from %I.t', 'app')") == "app");
    BOOST_TEST(found("execute $x$ delete from orders $x$") == "orders");
    BOOST_TEST(found("set search_path to app") == "app");
    BOOST_TEST(found("select app from u") == "");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::ddl::testing
