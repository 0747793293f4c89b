// plan_test.cpp: from entries to items: what is taken, in which section, for which table.
#include "schema/plan.hpp"

#include "graph_builder.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::schema;
using test::GraphBuilder;
namespace cls = source::catalog_class;

namespace {

DumpEntry entry(int number, source::ObjectId id, std::string type, std::string schema, std::string name,
                std::vector<int> dependencies = {}) {
    return {number,
            id,
            std::move(dependencies),
            std::move(name),
            std::move(type),
            std::move(schema),
            "STATEMENT " + std::to_string(number)};
}

std::vector<Item> plan(const GraphBuilder &builder, const std::vector<DumpEntry> &entries, const std::string &pattern) {
    return make_items(entries, builder.graph,
                      select_objects(builder.graph, wire::ObjectSelection(std::vector<std::string>{pattern}, {})));
}

} // namespace

BOOST_AUTO_TEST_CASE(sections_follow_the_dump) {
    GraphBuilder b;
    const auto t = b.table("public", "t"), u = b.table("public", "u");
    const auto index = b.index(t, "t_i");
    const auto key = b.foreign_key(u, t, "u_t");
    const auto trigger = b.add(cls::trigger, '\0', "public", "tr", t.oid);
    const auto items = plan(b,
                            {entry(1, t, "TABLE", "public", "t"), entry(2, u, "TABLE", "public", "u"),
                             entry(3, index, "INDEX", "public", "t_i"), entry(4, trigger, "TRIGGER", "public", "t tr"),
                             entry(5, key, "FK CONSTRAINT", "public", "u u_t")},
                            "public.*");
    BOOST_REQUIRE_EQUAL(items.size(), 5u);
    BOOST_TEST((items[0].section == Section::before_data));
    BOOST_TEST((items[2].section == Section::index));
    BOOST_TEST((items[3].section == Section::after_data));
    BOOST_TEST((items[4].section == Section::foreign_key));
    BOOST_TEST(items[2].table.value() == "public.t");
    BOOST_TEST(items[4].table.value() == "public.u");
    BOOST_TEST(items[4].number == 5);
}

BOOST_AUTO_TEST_CASE(a_view_that_the_dump_puts_behind_the_data_is_created_there) {
    GraphBuilder b;
    const auto t = b.table("public", "t"), index = b.index(t, "t_pkey"), view = b.view("public", "v", t);
    const auto items = plan(b,
                            {entry(1, t, "TABLE", "public", "t"), entry(2, index, "INDEX", "public", "t_pkey"),
                             entry(3, view, "VIEW", "public", "v")},
                            "public.*");
    BOOST_REQUIRE_EQUAL(items.size(), 3u);
    BOOST_TEST((items[2].section == Section::after_data));
}

BOOST_AUTO_TEST_CASE(an_index_of_a_materialized_view_waits_for_the_view) {
    GraphBuilder b;
    const auto t = b.table("public", "t"), view = b.view("public", "mv", t, 'm'), index = b.index(view, "mv_i");
    const auto items = plan(b,
                            {entry(1, t, "TABLE", "public", "t"), entry(2, index, "INDEX", "public", "mv_i"),
                             entry(3, view, "MATERIALIZED VIEW", "public", "mv")},
                            "public.*");
    BOOST_REQUIRE_EQUAL(items.size(), 3u);
    BOOST_TEST((items[1].section == Section::after_data));
}

BOOST_AUTO_TEST_CASE(comments_follow_their_object) {
    GraphBuilder b;
    const auto t = b.table("public", "t"), u = b.table("public", "u");
    const auto items = plan(b,
                            {entry(1, t, "TABLE", "public", "t"), entry(9, {}, "COMMENT", "public", "TABLE t", {1}),
                             entry(2, u, "TABLE", "public", "u"), entry(10, {}, "COMMENT", "public", "TABLE u", {2})},
                            "public.t");
    BOOST_REQUIRE_EQUAL(items.size(), 2u);
    BOOST_TEST(items[1].type == "COMMENT");
    BOOST_TEST(items[1].name == "public.TABLE t");
    BOOST_TEST(items[1].table.value() == "public.t");
}

BOOST_AUTO_TEST_CASE(attachments_have_no_oid_and_are_found_by_name) {
    GraphBuilder b;
    const auto parent = b.table("public", "part", 'p'), one = b.table("public", "part_1"),
               two = b.table("public", "part_2");
    b.graph.depend(one, parent, 'a');
    b.graph.depend(two, parent, 'a');
    const auto items =
        plan(b,
             {entry(1, parent, "TABLE", "public", "part"), entry(2, one, "TABLE", "public", "part_1"),
              entry(3, two, "TABLE", "public", "part_2"), entry(4, {}, "TABLE ATTACH", "public", "part_1"),
              entry(5, {}, "TABLE ATTACH", "public", "part_2")},
             "public.part_1");
    BOOST_REQUIRE_EQUAL(items.size(), 3u);
    BOOST_TEST(items[2].name == "public.part_1");
    BOOST_TEST(items[2].type == "TABLE ATTACH");
}

BOOST_AUTO_TEST_CASE(objects_of_the_cluster_and_comments_of_extensions_never_come_along) {
    GraphBuilder b;
    const auto extension = b.add(cls::extension, '\0', "public", "hstore");
    const auto items =
        plan(b,
             {entry(1, extension, "EXTENSION", "", "hstore"), entry(2, {}, "COMMENT", "", "EXTENSION hstore", {1}),
              entry(3, {6104, 20000}, "PUBLICATION", "", "p"), entry(4, {3466, 20001}, "EVENT TRIGGER", "", "e")},
             "*.*");
    BOOST_REQUIRE_EQUAL(items.size(), 1u);
    BOOST_TEST(items[0].type == "EXTENSION");
}
