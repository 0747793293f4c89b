// target_selection_test.cpp: a table of the target is ours when the selected table it stands for would be called so.
#include "task/target_selection.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

BOOST_AUTO_TEST_SUITE(target_selection)

BOOST_AUTO_TEST_CASE(without_renames_names_are_those_of_the_source) {
    TaskConfig config;
    config.objects.include = {"public.*"};
    config.objects.exclude = {"public.audit_*"};
    const task::TargetSelection selection(config);
    BOOST_TEST(selection.matches({"public", "a"}));
    BOOST_TEST(!selection.matches({"public", "audit_log"}));
    BOOST_TEST(!selection.matches({"other", "a"}));
}

BOOST_AUTO_TEST_CASE(a_renamed_table_is_found_under_its_new_name_only) {
    TaskConfig config;
    config.objects.include = {"public.*"};
    config.names.add_table({"public", "customer"}, {"crm", "client"});
    const task::TargetSelection selection(config);
    BOOST_TEST(selection.matches({"crm", "client"}));
    BOOST_TEST(!selection.matches({"public", "customer"}));
    BOOST_TEST(!selection.matches({"crm", "other"}));
}

BOOST_AUTO_TEST_CASE(tables_of_a_renamed_schema_are_found_there) {
    TaskConfig config;
    config.objects.include = {"old.*"};
    config.names.add_schema("old", "new");
    const task::TargetSelection selection(config);
    BOOST_TEST(selection.matches({"new", "t"}));
    BOOST_TEST(!selection.matches({"old", "t"}));
}

BOOST_AUTO_TEST_SUITE_END()
