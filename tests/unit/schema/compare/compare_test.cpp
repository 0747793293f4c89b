// compare_test.cpp: the order of the steps, and what has to make way for a change.
#include "schema/compare/compare.hpp"
#include "schema/compare/report.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace walbridge::schema::compare;

namespace {

using Texts = std::vector<std::string>;

Column column(std::string name, std::string type) {
    Column made;
    made.name = std::move(name);
    made.type = std::move(type);
    return made;
}

Object table(const std::string &name, std::vector<Column> columns, std::vector<std::string> parents = {},
             std::string bound = {}) {
    Object object;
    object.key = {"TABLE", name};
    object.name = name;
    object.statements = {"CREATE TABLE " + name};
    Table shape;
    shape.name = name;
    shape.columns = std::move(columns);
    shape.parents = std::move(parents);
    shape.bound = std::move(bound);
    object.shape = std::move(shape);
    return object;
}

Object view(const std::string &name, const std::string &query, std::vector<Column> columns = {}) {
    Object object;
    object.key = {"VIEW", name};
    object.statements = {"CREATE VIEW " + name + " AS " + query};
    object.shape = View{std::move(columns), {}};
    return object;
}

Object other(std::string kind, std::string identity, std::string statement, std::string table = {}) {
    Object object;
    object.key = {std::move(kind), std::move(identity)};
    object.statements = {std::move(statement)};
    object.table = std::move(table);
    return object;
}

Definitions definitions(std::vector<Object> objects) {
    Definitions made;
    made.objects = std::move(objects);
    return made;
}

Texts script(const Definitions &source, const Definitions &target) {
    Texts lines;
    for (const auto &difference : compare(source, target))
        lines.insert(lines.end(), difference.statements.begin(), difference.statements.end());
    return lines;
}

void check(const Texts &found, const Texts &expected) {
    std::string lines;
    for (const auto &line : found) lines += line + "\n";
    BOOST_TEST_CONTEXT(lines) BOOST_TEST(found == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(equal_sides_need_nothing) {
    const auto both = definitions({table("s.t", {column("a", "integer")}), view("s.v", "SELECT 1")});
    BOOST_TEST(compare(both, both).empty());
    BOOST_TEST(as_script({}).empty());
}

BOOST_AUTO_TEST_CASE(what_is_too_much_goes_first_users_before_what_they_use) {
    auto target =
        definitions({other("SCHEMA", "x", "CREATE SCHEMA x"), other("FUNCTION", "x.f()", "CREATE FUNCTION x.f()"),
                     table("x.t", {}), view("x.v", "SELECT"), other("TRIGGER", "tr on x.t", "CREATE TRIGGER", "x.t")});
    target.used_by[{"TABLE", "x.t"}] = {{"VIEW", "x.v"}};
    check(script(definitions({table("s.new", {})}), target),
          {"DROP VIEW x.v", "DROP TABLE x.t", "CREATE TABLE s.new", "DROP FUNCTION x.f()", "DROP SCHEMA x"});
}

BOOST_AUTO_TEST_CASE(a_view_makes_way_for_a_new_type_and_comes_back) {
    auto source = definitions({table("s.t", {column("a", "bigint")}), view("s.v", "SELECT a")});
    auto target = definitions({table("s.t", {column("a", "integer")}), view("s.v", "SELECT a")});
    target.column_used_by[{"s.t", "a"}] = {{"VIEW", "s.v"}};
    const auto found = compare(source, target);
    check(script(source, target), {"DROP VIEW s.v", "ALTER TABLE s.t ALTER COLUMN a TYPE bigint USING a::bigint",
                                   "CREATE VIEW s.v AS SELECT a"});
    BOOST_TEST((found.front().kind == Difference::Kind::dependent));
    BOOST_TEST(objects_in(found) == 2u);
}

BOOST_AUTO_TEST_CASE(a_view_is_replaced_in_place_while_its_columns_allow) {
    const auto a = column("a", "integer"), b = column("b", "text");
    check(script(definitions({view("s.v", "SELECT a, b", {a, b})}), definitions({view("s.v", "SELECT a", {a})})),
          {"CREATE OR REPLACE VIEW s.v AS SELECT a, b"});
    check(script(definitions({view("s.v", "SELECT b", {b})}), definitions({view("s.v", "SELECT a, b", {a, b})})),
          {"DROP VIEW s.v", "CREATE VIEW s.v AS SELECT b"});
}

BOOST_AUTO_TEST_CASE(a_type_that_cannot_follow_is_parked_until_nothing_uses_it) {
    Object old = other("TYPE", "s.e", "CREATE TYPE s.e AS ENUM ('b', 'a')"),
           now = other("TYPE", "s.e", "CREATE TYPE s.e AS ENUM ('a', 'b')");
    old.shape = Enum{{"b", "a"}};
    now.shape = Enum{{"a", "b"}};
    auto of_type = column("c", "s.e");
    of_type.default_sql = "'a'::s.e";
    check(script(definitions({now, table("s.t", {of_type})}), definitions({old, table("s.t", {of_type})})),
          {"ALTER TYPE s.e RENAME TO e__before", "CREATE TYPE s.e AS ENUM ('a', 'b')",
           "ALTER TABLE s.t ALTER COLUMN c DROP DEFAULT", "ALTER TABLE s.t ALTER COLUMN c TYPE s.e USING c::text::s.e",
           "ALTER TABLE ONLY s.t ALTER COLUMN c SET DEFAULT 'a'::s.e", "DROP TYPE s.e__before"});
}

BOOST_AUTO_TEST_CASE(a_partition_moves_to_its_bound) {
    const auto parent = table("s.p", {}), here = table("s.c", {}, {"s.p"}, "FOR VALUES IN (1)"),
               there = table("s.c", {}, {"s.p"}, "FOR VALUES IN (2)");
    check(script(definitions({parent, here}), definitions({parent, there})),
          {"ALTER TABLE s.p DETACH PARTITION s.c", "ALTER TABLE s.p ATTACH PARTITION s.c FOR VALUES IN (1)"});
    check(script(definitions({parent, here}), definitions({parent})),
          {"CREATE TABLE s.c", "ALTER TABLE s.p ATTACH PARTITION s.c FOR VALUES IN (1)"});
}

BOOST_AUTO_TEST_CASE(a_comment_in_the_script_cannot_end_early) {
    Difference difference;
    difference.object = {"TABLE", "s.\"a\nDROP TABLE b;\""};
    difference.reason = "x\r\ny";
    const auto text = as_script({difference});
    BOOST_TEST(text.find("\nDROP") == std::string::npos);
}
