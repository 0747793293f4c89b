// decide_test.cpp: what becomes of a statement, row by row.
#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::ddl::testing {

namespace {

DdlStatement statement_of(std::string text, std::string search_path = "public") {
    DdlStatement statement;
    statement.text = std::move(text);
    statement.role = "alice";
    statement.settings["search_path"] = std::move(search_path);
    return statement;
}

} // namespace

BOOST_AUTO_TEST_SUITE(decide)

BOOST_AUTO_TEST_CASE(without_a_mapping_the_text_is_executed_as_it_is) {
    Setting task;
    task.catalog = {"public.t"};
    for (const char *text :
         {"create  table t2 (id int)", "ALTER TABLE t ADD COLUMN x int", "drop table t", "COMMENT ON TABLE t IS 'x'"})
        BOOST_TEST(text_of(task.decide(statement_of(text))) == text);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::ddl::testing
