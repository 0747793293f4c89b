// names_test.cpp: what follows from renames for objects that nobody named.
#include "schema/names.hpp"

#include "graph_builder.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::schema;

namespace {

NameMap renames() {
    NameMap names;
    names.add_schema("public", "crm");
    names.add_table({"public", "customer"}, {"sales", "client"});
    names.add_table({"public", "item"}, {"crm", "article"});
    return names;
}

} // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(indexes_and_owned_sequences_move_with_their_table) {
    test::GraphBuilder build;
    const auto customer = build.table("public", "customer"), item = build.table("public", "item");
    build.index(customer, "customer_pkey");
    build.owned_sequence(customer, "customer_id_seq");
    build.index(item, "item_pkey");
    build.owned_sequence(item, "item_id_seq");
    const auto names = complete_names(renames(), build.graph);
    BOOST_TEST(to_string(names.table({"public", "customer_pkey"})) == "sales.customer_pkey");
    BOOST_TEST(to_string(names.table({"public", "customer_id_seq"})) == "sales.customer_id_seq");
    BOOST_TEST(to_string(names.table({"public", "item_pkey"})) == "crm.item_pkey");
    BOOST_TEST(to_string(names.table({"public", "item_id_seq"})) == "crm.item_id_seq");
    BOOST_TEST(names.tables().size() == 4u); // those of the schema need no entries
}

BOOST_AUTO_TEST_CASE(two_objects_on_one_name_are_found) {
    test::GraphBuilder build;
    Closure closure;
    const auto take = [&](source::ObjectId id) { closure.objects.insert(id); };
    take(build.table("public", "item"));
    take(build.table("other", "t"));
    BOOST_TEST(collisions(renames(), build.graph, closure).empty());
    take(build.view("public", "article", build.table("public", "x")));
    const auto found = collisions(renames(), build.graph, closure);
    BOOST_REQUIRE(!found.empty());
    BOOST_TEST(to_string(found.front().target) == "crm.article");
    BOOST_TEST(to_string(found.front().first) == "public.item");
    BOOST_TEST(to_string(found.front().second) == "public.article");
}

BOOST_AUTO_TEST_CASE(a_table_does_not_take_the_name_of_a_type) {
    test::GraphBuilder build;
    Closure closure;
    closure.objects.insert(build.table("public", "item"));
    closure.objects.insert(build.add(test::cls::type, 'e', "public", "article"));
    BOOST_TEST(collisions(renames(), build.graph, closure).size() == 1u);
}

BOOST_AUTO_TEST_CASE(types_and_defaults_of_columns_get_the_targets_names) {
    const auto mapped = [](const char *type, const char *fallback = "") {
        source::Column column;
        column.type = type;
        column.default_sql = fallback;
        return column_on_target(column, renames());
    };
    BOOST_TEST(mapped("integer").type == "integer");
    BOOST_TEST(mapped("timestamp(3) without time zone").type == "timestamp(3) without time zone");
    BOOST_TEST(mapped("public.mood[]").type == "\"crm\".\"mood\"[]");
    BOOST_TEST(mapped("public.\"Mo\"\"od\"(3)").type == "\"crm\".\"Mo\"\"od\"(3)");
    BOOST_TEST(mapped("public.customer").type == "\"sales\".\"client\"");
    BOOST_TEST(mapped("other.mood").type == "\"other\".\"mood\"");
    BOOST_TEST(mapped("integer", "nextval('other.s'::regclass)").default_sql == "nextval('other.s'::regclass)");
    const auto renamed = mapped("integer", "nextval('public.s'::regclass)").default_sql;
    BOOST_TEST(renamed.find("crm.s") != std::string::npos, renamed);
    source::Column column;
    column.type = "public.mood";
    BOOST_TEST(column_on_target(column, {}).type == "\"public\".\"mood\"");
}

BOOST_AUTO_TEST_SUITE_END()
