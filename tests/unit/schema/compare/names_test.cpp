// names_test.cpp: definitions under other names, and two hands that write the same.
#include "schema/compare/compare.hpp"
#include "schema/compare/names.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::schema::compare;

namespace {

NameMap names() {
    NameMap made;
    made.add_schema("s", "crm");
    made.add_table({"s", "t"}, {"other", "client"});
    return made;
}

Object table(const std::string &name, const std::string &type, const std::string &default_sql) {
    Object object;
    object.key = {"TABLE", name};
    object.statements = {"CREATE TABLE " + name + " (\n    c " + type + " DEFAULT " + default_sql + "\n)"};
    object.comments = {{"COLUMN " + name + ".c", "x"}};
    Column column;
    column.name = "c";
    column.type = type;
    column.default_sql = default_sql;
    Table shape;
    shape.name = name;
    shape.columns = {column};
    object.shape = shape;
    return object;
}

Object function(const std::string &name, const std::string &body) {
    Object object;
    object.key = {"FUNCTION", name + "(character varying)"};
    object.statements = {"CREATE FUNCTION " + name +
                         "(a character varying) RETURNS integer\n    LANGUAGE sql\n    AS $$" + body + "$$"};
    return object;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_text_of_a_definition_is_renamed) {
    Definitions source;
    source.objects = {table("s.t", "s.e", "'a'::s.e")};
    source.used_by[{"TABLE", "s.t"}] = {{"VIEW", "s.v"}};
    const auto made = renamed(source, names());
    const auto &object = made.objects.front();
    BOOST_TEST(object.key.identity == "other.client");
    const auto &shape = std::get<Table>(object.shape);
    BOOST_TEST(shape.name == "other.client");
    BOOST_TEST(shape.columns[0].type == "crm.e");
    BOOST_TEST(shape.columns[0].default_sql == "'a'::crm.e");
    BOOST_TEST(object.statements[0].find("other.client") != std::string::npos);
    BOOST_TEST(object.comments.begin()->first == "COLUMN other.client.c");
    BOOST_TEST(made.used_by.begin()->first.identity == "other.client");
    BOOST_TEST(made.used_by.begin()->second.begin()->identity == "crm.v");
}

BOOST_AUTO_TEST_CASE(two_hands_write_the_same) {
    Definitions source, target;
    source.objects = {function("s.f", "SELECT 1"), table("s.t", "s.e", "'a'::s.e")};
    target.objects = {function("crm.f", "SELECT 1"), table("other.client", "crm.e", "'a'::crm.e")};
    const auto made = renamed(source, names());
    BOOST_TEST(compare(made, alike(target, made)).empty());
    target.objects = {function("crm.f", "SELECT 2"), table("other.client", "crm.e", "'b'::crm.e")};
    BOOST_TEST(compare(made, alike(target, made)).size() == 3u); // the function is dropped and created, the default set
}

BOOST_AUTO_TEST_CASE(a_body_that_mentions_a_renamed_name_is_left_to_people) {
    Definitions source;
    source.objects = {function("s.f", "SELECT count(*) FROM s.t")};
    const auto made = renamed(source, names());
    BOOST_TEST(!made.objects.front().unmapped.empty());
    const auto found = compare(made, {});
    BOOST_REQUIRE_EQUAL(found.size(), 1u);
    BOOST_TEST(found.front().statements.empty());
    BOOST_TEST(found.front().note.starts_with("needs a decision"));
    Definitions target;
    target.objects = {function("crm.f", "SELECT count(*) FROM other.client")};
    BOOST_TEST(compare(made, alike(target, made)).empty());
}

BOOST_AUTO_TEST_CASE(a_name_is_mapped_once_also_where_a_text_cannot_be) {
    NameMap chain;
    chain.add_schema("s", "crm");
    chain.add_schema("crm", "old");
    Definitions source;
    source.objects = {function("s.f", "SELECT count(*) FROM s.t")};
    const auto made = renamed(source, chain);
    BOOST_TEST(!made.objects.front().unmapped.empty());
    BOOST_TEST(made.objects.front().key.identity.starts_with("crm.f("));
}

BOOST_AUTO_TEST_CASE(the_target_is_selected_by_the_names_of_the_originals) {
    source::ObjectGraph graph;
    graph.add({{source::catalog_class::relation, 1}, 'r', "other", "client", 0});
    graph.add({{source::catalog_class::relation, 2}, 'r', "crm", "u", 0});
    graph.add({{source::catalog_class::relation, 3}, 'r', "s", "not_ours", 0});
    const auto made = under_source_names(graph, names());
    BOOST_TEST(made.relation(1)->schema == "s");
    BOOST_TEST(made.relation(1)->name == "t");
    BOOST_TEST(made.relation(2)->schema == "s");
    BOOST_TEST(made.relation(3)->schema.starts_with("pg_"));
}
