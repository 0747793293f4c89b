// What a message of the capture makes of the tables that are followed by definitions.
#include "apply/definition_step.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::apply;
using schema::mysql::SourceConstraint;
using schema::mysql::SourceIndex;
using schema::mysql::SourceTable;

namespace {

SourceTable table(std::uint32_t oid, const std::string &name, const std::vector<std::string> &indexes = {}) {
    SourceTable made;
    made.oid = oid;
    made.name = made.target = {"public", name};
    made.columns.push_back({});
    made.columns.back().number = 1;
    made.columns.back().name = "id";
    for (const auto &index : indexes) {
        SourceIndex one;
        one.name = index;
        one.method = index.substr(0, 1); // indexes of another letter are others
        one.columns = {1};
        one.descending = {false};
        made.indexes.push_back(one);
    }
    return made;
}

SourceConstraint foreign_key(const std::string &name, std::uint32_t parent) {
    SourceConstraint made;
    made.name = name;
    made.type = 'f';
    made.foreign_table = parent;
    return made;
}

DefinitionModel model(const std::vector<SourceTable> &tables) {
    DefinitionModel made;
    for (const auto &one : tables) made.emplace(one.oid, one);
    return made;
}

/// A definition as the capture writes it.
std::string told(std::uint32_t oid, const std::string &name, const std::vector<std::string> &indexes = {},
                 const std::string &type = R"("oid":23,"name":"int4","kind":"b","typmod":-1)") {
    std::string list;
    for (const auto &index : indexes)
        list += (list.empty() ? "" : ",") + (R"({"name":")" + index + R"(","method":")" + index.substr(0, 1)) +
                R"(","immediate":true,"valid":true,"columns":[1],"descending":[false]})";
    return R"({"oid":)" + std::to_string(oid) + R"(,"schema":"public","name":")" + name +
           R"(","kind":"r","columns":[{"number":1,"name":"id","type":{)" + type + "}}]" +
           (list.empty() ? "" : R"(,"indexes":[)" + list + "]") + "}";
}

struct Fixture {
    wire::ObjectSelection selection{{"*.*"}, {"public.out_*"}};
    NameMap names;
    std::set<QualifiedName> without_ddl;
    Oids copied;
    DdlStatement statement;

    Fixture() { statement.tag = "ALTER TABLE"; }

    DefinitionStep step(const DefinitionModel &before, const std::string &definitions) {
        statement.definitions = definitions.empty() ? "" : "[" + definitions + "]";
        return definition_step(before, statement,
                               {selection, names,
                                [&](const QualifiedName &table) { return without_ddl.contains(table); },
                                [&](std::uint32_t oid) { return copied.contains(oid); }});
    }
    void drop(const std::string &type, const std::string &name, std::uint32_t oid) {
        DdlDropped dropped;
        dropped.class_name = "pg_class";
        dropped.type = type;
        dropped.schema = "public";
        dropped.name = name;
        dropped.oid = oid;
        statement.dropped.push_back(dropped);
    }
};

std::vector<std::string> indexes_of(const SourceTable &table) {
    std::vector<std::string> names;
    for (const auto &index : table.indexes) names.push_back(index.name);
    std::ranges::sort(names);
    return names;
}

using Names = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(definitions, Fixture)

BOOST_AUTO_TEST_CASE(a_table_is_what_the_message_says) {
    const auto step = this->step(model({table(1, "a", {"x"}), table(2, "b")}), told(1, "renamed", {"y"}));
    BOOST_TEST(to_string(step.after.at(1).name) == "public.renamed");
    BOOST_TEST(indexes_of(step.after.at(1)) == Names{"y"});
    BOOST_TEST(step.touched == Oids{1});
    BOOST_TEST(step.unknown.empty());
}

BOOST_AUTO_TEST_CASE(an_index_that_another_transaction_made_is_kept) {
    statement.tag = "CREATE INDEX";
    BOOST_TEST(indexes_of(step(model({table(1, "a", {"x"})}), told(1, "a", {"y"})).after.at(1)) == (Names{"x", "y"}));
    statement.tag = "ALTER INDEX";
    BOOST_TEST(indexes_of(step(model({table(1, "a", {"x", "x2"})}), told(1, "a", {"x3"})).after.at(1)) == (Names{"x3"}),
               "renamed, and the other is equal but for its name");
    BOOST_TEST(indexes_of(step(model({table(1, "a", {"x", "y"})}), told(1, "a", {"x3"})).after.at(1)) ==
               (Names{"x3", "y"}));
}

BOOST_AUTO_TEST_CASE(labels_that_another_transaction_added_are_kept) {
    auto known = table(1, "a");
    known.columns[0].type.oid = 99;
    known.columns[0].type.kind = 'e';
    known.columns[0].type.enum_labels = {"ok", "new", "bad"};
    const std::string fewer = R"("oid":99,"name":"mood","kind":"e","typmod":-1,"enum_labels":["ok","bad"])";
    BOOST_TEST(step(model({known}), told(1, "a", {}, fewer)).after.at(1).columns[0].type.enum_labels.size() == 3U);
    const std::string others = R"("oid":99,"name":"mood","kind":"e","typmod":-1,"enum_labels":["ok","worse"])";
    BOOST_TEST(step(model({known}), told(1, "a", {}, others)).after.at(1).columns[0].type.enum_labels.size() == 2U);
}

BOOST_AUTO_TEST_CASE(tables_come_and_go_by_the_selection) {
    const auto left = step(model({table(1, "a")}), told(1, "out_a"));
    BOOST_TEST(left.left == Oids{1});
    BOOST_TEST(left.after.empty());
    BOOST_TEST(step({}, told(1, "out_a")).touched.empty());
    statement.before = QualifiedName{"public", "out_a"};
    statement.before_oid = 1;
    BOOST_TEST(step({}, told(1, "a")).copies.contains(1));
    statement.before.reset();
    BOOST_TEST(!step({}, told(1, "a")).unknown.empty(), "altered, and never seen before");
    statement.tag = "CREATE TABLE";
    BOOST_TEST(step({}, told(1, "a")).created == Oids{1});
}

BOOST_AUTO_TEST_CASE(what_is_dropped_goes) {
    drop("table", "a", 1);
    drop("index", "x", 77);
    drop("view", "v", 78);
    const auto step = this->step(model({table(1, "a"), table(2, "b", {"x", "y"}), table(3, "c")}), "");
    BOOST_TEST(!step.after.contains(1));
    BOOST_TEST(indexes_of(step.after.at(2)) == Names{"y"});
    BOOST_TEST(step.touched == (Oids{1, 2}));
}

BOOST_AUTO_TEST_CASE(some_tables_are_left_alone) {
    without_ddl.insert({"public", "a"});
    copied.insert(2);
    drop("table", "a", 1);
    const auto step =
        this->step(model({table(1, "a"), table(2, "b")}), told(1, "a", {"x"}) + "," + told(2, "b", {"x"}));
    BOOST_TEST(step.touched.empty());
    BOOST_TEST(step.after.at(1).indexes.empty());
}

BOOST_AUTO_TEST_CASE(a_table_of_a_query_gets_its_oid_at_the_end) {
    statement.tag = "CREATE TABLE AS";
    statement.phase = DdlStatement::Phase::start;
    const auto begun = step({}, R"({"schema":"public","name":"a","kind":"r","columns":[{"number":1,"name":"id","type":)"
                                R"({"oid":23,"name":"int4","kind":"b","typmod":-1}}]})");
    BOOST_TEST(begun.after.contains(0));
    statement.phase = DdlStatement::Phase::end;
    const auto ended = step(begun.after, told(7, "a"));
    BOOST_TEST(ended.before.contains(7), "it is not made a second time");
    BOOST_TEST(!ended.after.contains(0));
    BOOST_TEST(ended.touched == (Oids{0, 7}));
    BOOST_TEST(ended.created == Oids{7});
}

BOOST_AUTO_TEST_CASE(a_rewritten_table_is_emptied) {
    statement.phase = DdlStatement::Phase::rewrite;
    statement.rewritten_oid = 1;
    BOOST_TEST(step(model({table(1, "a")}), told(1, "a")).emptied == Oids{1});
    copied.insert(1);
    BOOST_TEST(step(model({table(1, "a")}), told(1, "a")).emptied.empty());
}

BOOST_AUTO_TEST_CASE(rows_with_values_of_a_changed_composite_type_are_copied_again) {
    auto uses = table(1, "a"), array = table(2, "b");
    uses.columns[0].type.kind = 'c';
    uses.columns[0].type.name = array.columns[0].type.element_name = "address";
    array.columns[0].type.kind = 'a';
    DdlObject object;
    object.class_name = "pg_class";
    object.type = "composite type";
    object.name = "address";
    statement.objects.push_back(object);
    const auto step = this->step(model({uses, array, table(3, "c")}), "");
    BOOST_TEST(step.copies.size() == 2U);
    BOOST_TEST(step.touched == (Oids{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_schema_that_is_renamed_takes_its_tables_along) {
    statement.tag = "ALTER SCHEMA";
    statement.text = "ALTER SCHEMA public RENAME TO \"New\"";
    const auto step = this->step(model({table(1, "a")}), "");
    BOOST_TEST(to_string(step.after.at(1).name) == "New.a");
    BOOST_TEST(step.after.at(1).target.schema == "New");
    BOOST_TEST(step.touched == Oids{1});
    statement.text = "ALTER SCHEMA public OWNER TO somebody";
    BOOST_TEST(this->step(model({table(1, "a")}), "").touched.empty());
}

BOOST_AUTO_TEST_CASE(a_message_without_definitions_is_noticed) {
    DdlObject object;
    object.class_name = "pg_class";
    object.type = "table";
    object.schema = "public";
    object.name = "a";
    object.persistence = 'p';
    statement.objects.push_back(object);
    BOOST_TEST(says_too_little(statement, selection));
    statement.definitions = "[]";
    BOOST_TEST(!says_too_little(statement, selection));
    statement.definitions.clear();
    statement.objects.front().name = "out_a";
    BOOST_TEST(!says_too_little(statement, selection));
}

BOOST_AUTO_TEST_CASE(what_has_a_say_in_a_change_is_looked_at) {
    auto child = table(2, "child"), grandchild = table(3, "grandchild"), other = table(4, "other"),
         namesake = table(5, "namesake");
    child.constraints.push_back(foreign_key("f", 1));
    grandchild.constraints.push_back(foreign_key("g", 2));
    namesake.constraints.push_back(foreign_key("F", 9));
    const auto all = model({table(1, "parent"), child, grandchild, other, namesake});
    BOOST_TEST(related(all, all, {4}) == Oids{4});
    BOOST_TEST(related(all, all, {1}) == (Oids{1, 2, 3}));
    BOOST_TEST(related(all, all, {2}) == (Oids{1, 2, 3, 5}), "names of constraints are one for a database");
    BOOST_TEST(related(all, {}, {2}) == (Oids{1, 2, 3}), "a dropped table still has its neighbours");
}

BOOST_AUTO_TEST_SUITE_END()
