// object_changes_test.cpp: the selection that follows from the task file and from commands, the latest of which wins.
#include "task/object_changes.hpp"

#include "source/shape.hpp"
#include "task/sync_task.hpp"
#include "task/table_rules_store.hpp"
#include "wire/object_selection.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::task;

namespace {

using Action = ObjectChange::Action;
using Stage = ObjectChange::State;

ObjectChange change(int number, Action action, std::string pattern, Stage state = Stage::done, Lsn lsn = Lsn{16}) {
    ObjectChange one;
    one.number = one.command = number;
    one.action = action;
    one.pattern = std::move(pattern);
    one.state = state;
    one.lsn = lsn;
    return one;
}

bool selected(const std::vector<ObjectChange> &changes, const std::string &table,
              const std::vector<std::string> &include = {"public.*"}, const std::vector<std::string> &exclude = {}) {
    const auto selection = effective_selection(include, exclude, changes);
    const QualifiedName name{"public", table};
    const bool judged = selection.judge(name).selected;
    // What is judged here is what the plugin and everybody else make of the plain lists.
    BOOST_TEST(wire::ObjectSelection(selection.includes(), selection.excludes()).matches(name.schema, name.name) ==
               judged);
    return judged;
}

} // namespace

BOOST_AUTO_TEST_SUITE(object_changes)

BOOST_AUTO_TEST_CASE(the_task_file_alone_decides_where_nothing_was_changed) {
    BOOST_TEST(selected({}, "a"));
    BOOST_TEST(!selected({}, "a", {"other.*"}));
    BOOST_TEST(!selected({}, "a", {"public.*"}, {"public.a"}));
}

BOOST_AUTO_TEST_CASE(the_latest_of_additions_and_removals_of_a_pattern_wins) {
    const auto remove = change(1, Action::remove, "\"public\".\"a\""), add = change(2, Action::add, "\"public\".\"a\""),
               again = change(3, Action::remove, "\"public\".\"a\"");
    BOOST_TEST(!selected({remove}, "a"));
    BOOST_TEST(selected({remove}, "b"));
    BOOST_TEST(selected({remove, add}, "a"));
    BOOST_TEST(!selected({remove, add, again}, "a"));
    BOOST_TEST(selected({add}, "a", {"other.*"}));
    BOOST_TEST(!selected({add, again}, "a", {"other.*"}));
}

BOOST_AUTO_TEST_CASE(an_addition_does_not_win_over_the_task_file_s_exclusion) {
    BOOST_TEST(!selected({change(1, Action::add, "\"public\".\"a\"")}, "a", {"public.*"}, {"public.a"}));
    // Nor over the removal of a wider pattern: the command refuses that.
    BOOST_TEST(!selected({change(1, Action::remove, "public.*"), change(2, Action::add, "\"public\".\"a\"")}, "a"));
}

BOOST_AUTO_TEST_CASE(what_has_not_taken_effect_changes_nothing) {
    for (const auto state : {Stage::asked, Stage::syncing, Stage::failed, Stage::cancelling, Stage::cancelled}) {
        BOOST_TEST(!selected({change(1, Action::add, "\"public\".\"a\"", state)}, "a", {"other.*"}));
        BOOST_TEST(selected({change(1, Action::remove, "\"public\".\"a\"", state)}, "a"));
    }
}

BOOST_AUTO_TEST_CASE(a_table_is_left_out_while_it_is_copied_once_more) {
    const std::string table = "\"public\".\"a\"";
    BOOST_TEST(selected({change(1, Action::resync, table, Stage::asked, Lsn{})}, "a"));
    for (const auto state : {Stage::syncing, Stage::failed, Stage::cancelling, Stage::cancelled})
        BOOST_TEST(!selected({change(1, Action::resync, table, state)}, "a"), name_of(state));
    BOOST_TEST(selected({change(1, Action::resync, table, Stage::done)}, "a"));
    // Given up before it began: nothing has happened to the table.
    BOOST_TEST(selected({change(1, Action::resync, table, Stage::cancelled, Lsn{})}, "a"));
    // An addition brings back what was given up.
    BOOST_TEST(selected({change(1, Action::resync, table, Stage::cancelled), change(2, Action::add, table)}, "a"));
}

BOOST_AUTO_TEST_CASE(a_table_that_the_task_file_selects_now_is_left_out_until_it_is_brought) {
    auto addition = change(1, Action::add, "\"public\".\"a\"", Stage::syncing);
    addition.reason = "the task file selects it now";
    BOOST_TEST(!selected({addition}, "a"));
    addition.state = Stage::cancelled;
    BOOST_TEST(!selected({addition}, "a"));
    addition.state = Stage::done;
    BOOST_TEST(selected({addition}, "a"));
    BOOST_TEST(selected({change(1, Action::add, "\"public\".\"a\"", Stage::cancelled)}, "a"), "a command's");
}

BOOST_AUTO_TEST_CASE(who_decides_about_a_table_is_named) {
    const auto selection = effective_selection(
        {"public.*"}, {"public.x*"}, {change(1, Action::add, "other.*"), change(2, Action::remove, "public.b*")});
    const auto by = [&](const char *schema, const char *name) { return selection.judge({schema, name}).by; };
    BOOST_TEST(by("public", "a")->change == 0);
    BOOST_TEST(by("public", "x1")->pattern == "public.x*");
    BOOST_TEST(by("other", "t")->change == 1);
    BOOST_TEST(by("public", "b1")->change == 2);
    BOOST_TEST(!by("third", "t").has_value());
}

BOOST_AUTO_TEST_CASE(patterns_without_wildcards_are_tables) {
    const auto table = [](const char *schema, const char *name) { return std::optional(QualifiedName{schema, name}); };
    BOOST_TEST((exact_table("public.a") == table("public", "a")));
    BOOST_TEST((exact_table(" public.a ") == table("public", "a")));
    BOOST_TEST((exact_table("\"My Schema\".\"a.b\"\"c*\"") == table("My Schema", "a.b\"c*")));
    BOOST_TEST(!exact_table("public.a*").has_value());
    BOOST_TEST(!exact_table("?.a").has_value());
    BOOST_CHECK_THROW(static_cast<void>(exact_table("nonsense")), wire::PatternError);
    BOOST_TEST(stored_pattern("public.a") == "\"public\".\"a\"");
    BOOST_TEST(stored_pattern(" public.a* ") == "public.a*");
    BOOST_TEST(stored_pattern("\"public\".\"a\"") == stored_pattern("public.a"));
    BOOST_TEST(shown_pattern("\"public\".\"a\"") == "public.a");
    BOOST_TEST(shown_pattern("public.a*") == "public.a*");
}

BOOST_AUTO_TEST_CASE(a_sync_task_is_the_parent_reduced_to_its_tables) {
    TaskConfig parent;
    parent.name = std::string(40, 'x');
    parent.apply.workers = 8;
    parent.objects.exclude = {"public.*"};
    parent.objects.large_objects = "copy";
    const auto sync = sync_task_config(parent, sync_task_name(parent.name, 999), {{"public", "a"}}, true);
    BOOST_TEST(sync.slot_name().size() < 64u);
    BOOST_TEST(sync.sync_of == parent.name);
    BOOST_TEST(sync.objects.include == std::vector<std::string>{"\"public\".\"a\""}, boost::test_tools::per_element());
    BOOST_TEST(sync.objects.exclude.empty());
    BOOST_TEST(sync.objects.large_objects == "ignore");
    BOOST_TEST((sync.schema_stage && sync.full_stage && sync.incremental_stage));
    BOOST_TEST(!sync_task_config(parent, "x", {}, false).schema_stage);
    // Whoever knows the parent's origins knows those of its sync task.
    BOOST_TEST(sync.origin_name() == parent.origin_name() + ":sync");
    BOOST_TEST(sync.origin_name(1) == parent.origin_name() + ":sync:1");
    BOOST_TEST(sync.copy_origin_name(1).starts_with(parent.origin_name() + ":"));
}

BOOST_AUTO_TEST_CASE(operations_do_not_count_for_what_was_copied) {
    wire::TableRules rules;
    wire::TableRule filter;
    filter.where = "n > 0";
    rules.add("public.parts", filter);
    wire::TableRule operations;
    operations.operations = wire::Operations{.insert = true, .update = true, .erase = false, .truncate = true};
    rules.add("public.log", operations);
    source::Table root, partition, log;
    root.oid = 1;
    root.kind = 'p';
    root.name = {"public", "parts"};
    partition.oid = 2;
    partition.parent_oid = 1;
    partition.name = {"public", "parts_1"};
    log.oid = 3;
    log.name = {"public", "log"};
    const NameMap names;
    source::learn_partitions(names, {log, partition, root});
    BOOST_TEST(stored_rule(rules, names, log.name).empty());
    BOOST_TEST(stored_rule(rules, names, partition.name) == stored_rule(rules, names, root.name));
    BOOST_TEST(stored_rule(rules, names, partition.name).find("n > 0") != std::string::npos);
    BOOST_TEST(stored_rule({}, names, partition.name).empty());
}

BOOST_AUTO_TEST_SUITE_END()
