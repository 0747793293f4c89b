// closure_test.cpp: what patterns bring along (decision 15).
#include "schema/closure.hpp"

#include "graph_builder.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using test::GraphBuilder;
namespace cls = source::catalog_class;

namespace {

schema::Closure select(const GraphBuilder &builder, std::vector<std::string> include,
                       std::vector<std::string> exclude = {}) {
    return schema::select_objects(builder.graph, wire::ObjectSelection(include, exclude));
}

} // namespace

BOOST_AUTO_TEST_CASE(only_patterns_that_take_every_name_cover_a_schema) {
    const auto covers = [](const char *pattern) {
        return schema::covers_schema(wire::ObjectSelection(std::vector<std::string>{pattern}, {}), "public");
    };
    BOOST_TEST(covers("*.*"));
    BOOST_TEST(covers("public.*"));
    BOOST_TEST(!covers("public.a*"));
    BOOST_TEST(!covers("public.orders"));
    BOOST_TEST(!covers("other.*"));
}

BOOST_AUTO_TEST_CASE(a_table_pattern_brings_indexes_and_owned_sequences) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders"), other = b.table("public", "other");
    const auto index = b.index(orders, "orders_note"), sequence = b.owned_sequence(orders, "orders_id_seq");
    const auto closure = select(b, {"public.orders"});
    for (const auto id : {orders, index, sequence}) BOOST_TEST(closure.objects.contains(id));
    BOOST_TEST(!closure.objects.contains(other));
}

BOOST_AUTO_TEST_CASE(a_table_brings_the_types_and_functions_of_its_definition_from_other_schemas) {
    GraphBuilder b;
    const auto shared = b.schema("shared"), orders = b.table("public", "orders");
    const auto type = b.add(cls::type, 'e', "shared", "mood"), function = b.add(cls::proc, 'f', "shared", "next_code");
    b.graph.depend(type, shared, 'n');
    b.graph.depend(function, shared, 'n');
    b.graph.depend(orders, type, 'n');
    const auto column_default = b.default_calling(orders, function);
    const auto closure = select(b, {"public.orders"});
    for (const auto id : {shared, type, function, column_default}) BOOST_TEST(closure.objects.contains(id));
}

BOOST_AUTO_TEST_CASE(a_type_of_an_extension_brings_the_extension) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders");
    const auto extension = b.add(cls::extension, '\0', "public", "hstore"),
               type = b.add(cls::type, 'b', "public", "hstore");
    b.graph.depend(type, extension, 'e');
    b.graph.depend(orders, type, 'n');
    const auto closure = select(b, {"public.orders"});
    BOOST_TEST(closure.objects.contains(extension));
    BOOST_TEST(!closure.objects.contains(type)); // the extension's script creates it
}

BOOST_AUTO_TEST_CASE(a_partition_brings_its_parent_as_a_definition) {
    GraphBuilder b;
    const auto parent = b.table("public", "part", 'p'), child = b.table("public", "part_1"),
               sibling = b.table("public", "part_2");
    b.graph.depend(child, parent, 'a');
    b.graph.depend(sibling, parent, 'a');
    const auto closure = select(b, {"public.part_1"});
    BOOST_TEST(closure.objects.contains(parent));
    BOOST_TEST(!closure.objects.contains(sibling));
    BOOST_REQUIRE_EQUAL(closure.definitions_only.size(), 1u);
    BOOST_TEST(closure.definitions_only.front() == "public.part");
}

BOOST_AUTO_TEST_CASE(a_foreign_key_to_an_unselected_table_is_left_behind_and_named) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders"), customer = b.table("public", "customer");
    const auto key = b.foreign_key(orders, customer, "orders_customer_fkey");
    const auto closure = select(b, {"public.orders"});
    BOOST_TEST(!closure.objects.contains(key));
    BOOST_TEST(!closure.objects.contains(customer));
    BOOST_REQUIRE_EQUAL(closure.left_behind.size(), 1u);
    BOOST_TEST(closure.left_behind.front().object == "foreign key public.orders_customer_fkey");
    BOOST_TEST(closure.left_behind.front().reason == "it needs table public.customer, which is not selected");
    BOOST_TEST(select(b, {"public.orders", "public.customer"}).objects.contains(key));
}

BOOST_AUTO_TEST_CASE(a_schema_pattern_brings_views_and_routines_and_a_table_pattern_does_not) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders");
    const auto view = b.view("public", "open_orders", orders), function = b.add(cls::proc, 'f', "public", "report");
    const auto all = select(b, {"public.*"});
    BOOST_TEST(all.objects.contains(view));
    BOOST_TEST(all.objects.contains(function));
    const auto one = select(b, {"public.orders"});
    BOOST_TEST(!one.objects.contains(view));
    BOOST_TEST(!one.objects.contains(function));
}

BOOST_AUTO_TEST_CASE(a_view_over_an_excluded_table_is_left_behind_with_the_views_over_it) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders"), audit = b.table("public", "audit_log");
    const auto view = b.view("public", "audits", audit), above = b.view("public", "audits_of_today", view),
               fine = b.view("public", "open_orders", orders);
    const auto closure = select(b, {"public.*"}, {"public.audit_*"});
    BOOST_TEST(!closure.objects.contains(audit));
    BOOST_TEST(!closure.objects.contains(view));
    BOOST_TEST(!closure.objects.contains(above));
    BOOST_TEST(closure.objects.contains(fine));
    BOOST_TEST(closure.left_behind.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_view_over_a_view_is_taken_whatever_the_order_of_their_oids) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders");
    const auto above = b.add(cls::relation, 'v', "public", "above");
    const auto below = b.view("public", "below", orders);
    const auto rule = b.add(cls::rewrite, 'V', "public", "_RETURN", above.oid);
    b.graph.depend(rule, above, 'i');
    b.graph.depend(rule, below, 'n');
    const auto closure = select(b, {"public.*"});
    BOOST_TEST(closure.objects.contains(above));
    BOOST_TEST(closure.objects.contains(below));
}

BOOST_AUTO_TEST_CASE(triggers_come_with_a_schema_and_policies_always) {
    GraphBuilder b;
    const auto orders = b.table("public", "orders");
    const auto function = b.add(cls::proc, 'f', "public", "stamp");
    const auto trigger = b.add(cls::trigger, '\0', "public", "stamp_orders", orders.oid);
    b.graph.depend(trigger, orders, 'a');
    b.graph.depend(trigger, function, 'n');
    const auto policy = b.add(cls::policy, '\0', "public", "own_rows", orders.oid);
    b.graph.depend(policy, orders, 'a');
    const auto by_table = select(b, {"public.orders"});
    BOOST_TEST(by_table.objects.contains(policy));
    BOOST_TEST(!by_table.objects.contains(trigger));
    BOOST_TEST(select(b, {"public.*"}).objects.contains(trigger));
}

BOOST_AUTO_TEST_CASE(walbridge_itself_never_comes_along) {
    GraphBuilder b;
    const auto own = b.table("walbridge", "progress"), schema = b.schema("walbridge");
    const auto extension = b.add(cls::extension, '\0', "public", "walbridge");
    const auto closure = select(b, {"*.*"});
    for (const auto id : {own, schema, extension}) BOOST_TEST(!closure.objects.contains(id));
}

BOOST_AUTO_TEST_CASE(the_sequence_of_an_excluded_table_is_not_worth_a_word) {
    GraphBuilder b;
    const auto audit = b.table("public", "audit_log");
    const auto sequence = b.owned_sequence(audit, "audit_log_id_seq");
    const auto closure = select(b, {"public.*"}, {"public.audit_log"});
    BOOST_TEST(!closure.objects.contains(sequence));
    BOOST_TEST(closure.left_behind.empty());
}
