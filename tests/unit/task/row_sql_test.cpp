// row_sql_test.cpp: which condition finds a row, and where nothing can be found.
#include "task/row_sql.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::task;

namespace {

target::TargetTable table() {
    target::TargetTable table;
    table.name = {"public", "t"};
    for (const auto *name : {"id", "u", "v"}) {
        target::TargetColumn column;
        column.name = name;
        column.type_schema = "pg_catalog";
        column.type_name = "text";
        table.columns.push_back(column);
    }
    table.keys = {
        {"t_pkey", {"id"}, {"OPERATOR(pg_catalog.=)"}, true, true, true, false},
        {"t_u_v_key", {"u", "v"}, {"OPERATOR(pg_catalog.=)", "OPERATOR(pg_catalog.=)"}, false, true, true, false}};
    return table;
}

RowValues values(const target::TargetTable &table, const std::vector<std::pair<std::string, pg::Parameter>> &pairs) {
    RowValues values;
    for (const auto &[name, value] : pairs) values.emplace_back(find_column(table, name), value);
    return values;
}

} // namespace

BOOST_AUTO_TEST_SUITE(row_sql)

BOOST_AUTO_TEST_CASE(a_row_is_found_by_the_first_key_that_its_values_hold) {
    const auto t = table();
    const auto by_id = by_values(t, values(t, {{"v", "x"}, {"id", "1"}}));
    BOOST_TEST(by_id.sql == R"(t."id" OPERATOR(pg_catalog.=) $1::"pg_catalog"."text")");
    BOOST_TEST(by_id.parameters.front().value() == "1");
    const auto by_second = by_values(t, values(t, {{"v", "x"}, {"u", "y"}}));
    BOOST_TEST(by_second.parameters.front().value() == "y");
    BOOST_TEST(by_second.parameters.size() == 2u);
}

BOOST_AUTO_TEST_CASE(nulls_are_no_key_unless_they_collide) {
    auto t = table();
    BOOST_TEST(by_key(t.keys[1], values(t, {{"u", "x"}, {"v", std::nullopt}})).sql.empty());
    t.keys[1].nulls_not_distinct = true;
    BOOST_TEST((by_key(t.keys[1], values(t, {{"u", "x"}, {"v", std::nullopt}})).sql.find(R"(t."v" IS NULL)") !=
                std::string::npos));
    t.keys[1].usable = false;
    BOOST_TEST(by_key(t.keys[1], values(t, {{"u", "x"}, {"v", "y"}})).sql.empty());
}

BOOST_AUTO_TEST_CASE(without_a_key_the_text_of_every_value_counts) {
    const auto t = table();
    const auto found = by_values(t, values(t, {{"u", "x"}, {"id", std::nullopt}}));
    BOOST_TEST((found.sql.find("num_nulls(t.\"id\") = 1") != std::string::npos));
    BOOST_TEST((found.sql.find("format('%s', $1::") != std::string::npos));
    BOOST_TEST(found.parameters.size() == 1u);
}

BOOST_AUTO_TEST_CASE(names_of_the_target_lead_back_to_the_source) {
    NameMap names;
    names.add_schema("public", "here");
    names.add_table({"public", "a"}, {"crm", "b"});
    BOOST_TEST((name_on_source(names, {"crm", "b"}) == QualifiedName{"public", "a"}));
    BOOST_TEST((name_on_source(names, {"here", "c"}) == QualifiedName{"public", "c"}));
    BOOST_TEST((name_on_source(names, {"other", "d"}) == QualifiedName{"other", "d"}));
}

BOOST_AUTO_TEST_SUITE_END()
