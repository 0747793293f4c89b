// definition_json_test.cpp: every member through JSON and back, what may be missing, and what is refused.
#include "schema/mysql/definition_json.hpp"

#include "source_builder.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>

using namespace walbridge;
using namespace walbridge::schema::mysql;
using namespace walbridge::testing;

namespace {

std::string list(const std::string &table) { return "[" + table + "]"; }

std::string problem(const std::string &json) {
    try {
        (void)tables_from_json(json, {});
    } catch (const std::invalid_argument &error) {
        return error.what();
    }
    return "none";
}

bool mentions(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(every_member_of_a_table_is_written_and_read) {
    constexpr const char *text =
        R"({"oid":16400,"schema":"public","name":"item","kind":"p","comment":"it's \"all\"","columns":[)"
        R"({"number":1,"name":"id","type":{"oid":23,"name":"int4","kind":"e","typmod":7,"element_oid":25,)"
        R"("element_name":"text","enum_labels":["a","ü"]},"type_sql":"integer","not_null":true,"identity":"a",)"
        R"("generated":"s","expression":"1","comment":"c"},)"
        R"({"number":3,"name":"b","type":{"oid":25,"name":"text","kind":"b","typmod":-1}}],)"
        R"("indexes":[{"name":"item_pkey","method":"btree","primary":true,"unique":true,"immediate":true,)"
        R"("valid":true,"partial":true,"expressions":true,"exclusion":true,"nulls_not_distinct":true,)"
        R"("replica_identity":true,"columns":[1,3],"descending":[false,true],"comment":"i"},)"
        R"({"name":"item_b","method":"hash","columns":[3]}],)"
        R"("constraints":[{"name":"k","type":"f","deferrable":true,"validated":true,"columns":[1],)"
        R"("foreign_table":16390,"foreign_columns":[2],"on_update":"c","on_delete":"n","match":"f",)"
        R"j("sets_some_columns":true,"target_name":"item_k"},{"name":"l","type":"c","expression":"(id >= 0)"}]})j";
    NameMap names;
    names.add_schema("public", "shop");
    const auto tables = tables_from_json(list(text), names);
    BOOST_REQUIRE(tables.size() == 1U);
    const auto &table = tables[0];
    BOOST_TEST(to_json(table) == text);
    BOOST_TEST(to_string(table.target) == "shop.item");
    BOOST_TEST(table.oid == 16400U);
    BOOST_TEST(table.kind == 'p');
    const auto &id = table.columns[0];
    BOOST_TEST(id.type.typmod == 7);
    BOOST_TEST(id.type.enum_labels[1] == "ü");
    BOOST_TEST(id.identity == 'a');
    BOOST_TEST(id.not_null);
    const auto &key = table.indexes[0];
    BOOST_TEST((key.primary && key.unique && key.immediate && key.valid && key.partial && key.expressions &&
                key.exclusion && key.nulls_not_distinct && key.replica_identity));
    BOOST_TEST(key.descending[1]);
    BOOST_TEST(!table.indexes[1].valid);
    BOOST_TEST(!table.indexes[1].immediate);
    BOOST_TEST(table.indexes[1].descending.size() == 1U);
    BOOST_TEST(table.constraints[0].foreign_table == 16390U);
    BOOST_TEST(table.constraints[0].on_delete == 'n');
    BOOST_TEST(table.constraints[0].target_name == "item_k");
    BOOST_TEST(!table.constraints[1].validated);
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_null_is_nothing_and_other_members_are_passed_over) {
    const auto tables = tables_from_json(
        R"([{"oid":1,"schema":"s","name":"t","comment":null,"new":{"a":[1]},"columns":[{"number":2,"name":"b","type":)"
        R"({"name":"x"}},{"number":1,"name":"a","type":{"oid":23,"name":"int4","typmod":-1},"expression":null}],)"
        R"("indexes":[{"name":"i","columns":[1]},{"name":"p","primary":true,"columns":[2]}],)"
        R"("constraints":[{"name":"k"}]}])",
        {});
    const auto &table = tables.at(0);
    BOOST_TEST(table.kind == 'r');
    BOOST_TEST(table.columns[0].name == "a"); // by attnum
    BOOST_TEST(table.columns[1].type.kind == 'b');
    BOOST_TEST(table.columns[1].type.typmod == -1);
    BOOST_TEST(table.indexes[0].name == "p"); // the primary key first
    BOOST_TEST(table.constraints[0].type == 'c');
    BOOST_TEST(table.constraints[0].match == 's');
    BOOST_TEST(tables_from_json("[]", {}).empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named) {
    const auto with = [](const std::string &more) { return R"([{"oid":1,"schema":"s","name":"t")" + more + "}]"; };
    BOOST_TEST(mentions(problem("[{"), "no JSON"));
    BOOST_TEST(mentions(problem("{}"), "no list"));
    BOOST_TEST(mentions(problem("[1]"), "table 1 of the list: it is no object"));
    BOOST_TEST(mentions(problem(R"([{"oid":1,"schema":"s"}])"), "it has no name"));
    BOOST_TEST(problem(R"([{"schema":"s","name":"t"}])") == "none", "a table that is about to be made has no oid yet");
    BOOST_TEST(mentions(problem(R"([{"oid":-1,"schema":"s","name":"t"}])"), "oid is not in the range"));
    BOOST_TEST(mentions(problem(R"([{"oid":18446744073709551615,"schema":"s","name":"t"}])"), "oid is not in the"));
    BOOST_TEST(mentions(problem(R"([{"oid":"1","schema":"s","name":"t"}])"), "oid is not a whole number"));
    BOOST_TEST(mentions(problem(with(R"(,"kind":"rr")")), "kind is not one letter"));
    BOOST_TEST(mentions(problem(with(R"(,"columns":{})")), "columns is not a list"));
    BOOST_TEST(mentions(problem(with(R"(,"columns":[{"name":"a","type":{}}])")), "column a has no number"));
    BOOST_TEST(mentions(problem(with(R"(,"columns":[{"number":1,"name":"a"}])")), "it has no type"));
    BOOST_TEST(
        mentions(problem(with(R"(,"columns":[{"number":1,"name":"a","type":{}},{"number":1,"name":"b","type":{}}])")),
                 "one number"));
    BOOST_TEST(mentions(problem(with(R"(,"indexes":[{"name":"i","columns":[1]}])")), "index i: column 1 is not in"));
    BOOST_TEST(mentions(problem(with(R"(,"indexes":[{"name":"i"}])")), "it has no columns"));
    BOOST_TEST(mentions(problem(with(R"(,"indexes":[{"name":"i","unique":1}])")), "unique is not true or false"));
    BOOST_TEST(mentions(problem(with(R"(,"constraints":[{"name":"k","type":"x"}])")), "neither c nor f"));
    BOOST_TEST(mentions(problem(with(R"(,"constraints":[{"name":"k","type":"f","columns":[1]}])")), "go together"));
}
