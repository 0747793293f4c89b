// common_columns_test.cpp: which columns travel to a table that was there before the task.
#include "source/common_columns.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::source;

namespace {

Table table(const std::vector<std::string> &columns) {
    Table made;
    made.name = {"public", "t"};
    for (const auto &name : columns) made.columns.emplace_back().name = name;
    return made;
}

CommonColumns common(const Table &here, const Table &there, const NameMap &names = {}) {
    return common_columns(as_it_is(here, names), there);
}

} // namespace

BOOST_AUTO_TEST_SUITE(common_columns_of_both_sides)

BOOST_AUTO_TEST_CASE(what_only_one_side_has_is_named_and_the_rest_is_common_in_any_order) {
    const auto found = common(table({"id", "a", "note"}), table({"own", "a", "id"}));
    BOOST_TEST(listed(found.names) == "id, a");
    BOOST_TEST(listed(found.left_out) == "note");
    BOOST_TEST(listed(found.only_there) == "own");
}

BOOST_AUTO_TEST_CASE(columns_are_matched_by_their_names_on_the_target) {
    NameMap names;
    names.add_columns(NamePattern{"public"}, NamePattern{"t"}, NamePattern{"a"}, "b");
    const auto found = common(table({"id", "a"}), table({"id", "b"}), names);
    BOOST_TEST(listed(found.names) == "id, a");
    BOOST_TEST(found.left_out.empty());
    BOOST_TEST(found.only_there.empty());
}

BOOST_AUTO_TEST_CASE(what_the_target_computes_cannot_be_written) {
    auto there = table({"id", "a"});
    there.columns[1].generated = 's';
    BOOST_TEST(listed(common(table({"id", "a"}), there).left_out) == "a");
}

BOOST_AUTO_TEST_CASE(what_the_source_computes_need_not_be_there) {
    auto here = table({"id", "sum"});
    here.columns[1].generated = 's';
    const auto found = common(here, table({"id"}));
    BOOST_TEST(listed(found.names) == "id");
    BOOST_TEST(found.left_out.empty());
    BOOST_TEST(common(here, table({"id", "sum"})).only_there.empty());
}

BOOST_AUTO_TEST_CASE(a_table_without_what_is_left_out_keeps_the_order_of_the_rest) {
    const auto whole = table({"a", "b", "c"});
    const auto rest = without(as_it_is(whole), {"b"});
    BOOST_REQUIRE_EQUAL(rest.columns.size(), 2);
    BOOST_TEST(rest.columns[1].name == "c");
}

BOOST_AUTO_TEST_SUITE_END()
