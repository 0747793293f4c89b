// conflict_test.cpp: the decision table of conflict policies, every branch.
#include "apply/conflict.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::apply;

namespace {

TaskConfig::Conflict with(ConflictPolicy policy) {
    TaskConfig::Conflict settings;
    settings.policy = policy;
    return settings;
}

const QualifiedName table{"shop", "item"};

Resolution decide(const TaskConfig::Conflict &settings, ConflictKind kind, SourceTime change = 0,
                  const std::vector<std::optional<SourceTime>> &rows = {}) {
    return apply::decide(settings, table, kind, change, rows);
}

} // namespace

BOOST_AUTO_TEST_SUITE(conflict_decisions)

BOOST_AUTO_TEST_CASE(fail_stops_at_an_existing_row) {
    BOOST_TEST((decide(with(ConflictPolicy::fail), ConflictKind::insert_exists) == Resolution::stop));
    BOOST_TEST((decide(with(ConflictPolicy::fail), ConflictKind::update_exists) == Resolution::stop));
}

BOOST_AUTO_TEST_CASE(ignore_keeps_the_target_row) {
    BOOST_TEST((decide(with(ConflictPolicy::ignore), ConflictKind::insert_exists) == Resolution::keep_target));
    BOOST_TEST((decide(with(ConflictPolicy::ignore), ConflictKind::update_exists) == Resolution::keep_target));
}

BOOST_AUTO_TEST_CASE(overwrite_lets_the_source_win) {
    BOOST_TEST((decide(with(ConflictPolicy::overwrite), ConflictKind::insert_exists) == Resolution::overwrite));
    BOOST_TEST((decide(with(ConflictPolicy::overwrite), ConflictKind::update_exists) == Resolution::overwrite));
}

BOOST_AUTO_TEST_CASE(missing_rows_follow_their_own_settings_under_every_policy) {
    for (const auto policy : {ConflictPolicy::fail, ConflictPolicy::ignore, ConflictPolicy::overwrite}) {
        auto settings = with(policy);
        BOOST_TEST((decide(settings, ConflictKind::update_missing) == Resolution::convert_to_insert));
        BOOST_TEST((decide(settings, ConflictKind::delete_missing) == Resolution::keep_target));
        settings.update_missing = "ignore";
        settings.delete_missing = "fail";
        BOOST_TEST((decide(settings, ConflictKind::update_missing) == Resolution::keep_target));
        BOOST_TEST((decide(settings, ConflictKind::delete_missing) == Resolution::stop));
        settings.update_missing = "fail";
        BOOST_TEST((decide(settings, ConflictKind::update_missing) == Resolution::stop));
    }
}

BOOST_AUTO_TEST_CASE(the_younger_or_the_older_commit_wins) {
    const auto last = with(ConflictPolicy::last_update_wins), first = with(ConflictPolicy::first_update_wins);
    for (const auto kind : {ConflictKind::insert_exists, ConflictKind::update_exists,
                            ConflictKind::update_origin_differs, ConflictKind::delete_origin_differs}) {
        BOOST_TEST((decide(last, kind, 10, {9}) == Resolution::overwrite));
        BOOST_TEST((decide(last, kind, 10, {11}) == Resolution::keep_target));
        BOOST_TEST((decide(first, kind, 10, {9}) == Resolution::keep_target));
        BOOST_TEST((decide(first, kind, 10, {11}) == Resolution::overwrite));
    }
}

BOOST_AUTO_TEST_CASE(a_tie_goes_to_the_side_that_is_configured) {
    for (const auto policy : {ConflictPolicy::last_update_wins, ConflictPolicy::first_update_wins}) {
        auto settings = with(policy);
        BOOST_TEST((decide(settings, ConflictKind::update_origin_differs, 10, {10}) == Resolution::overwrite));
        settings.tie = "target";
        BOOST_TEST((decide(settings, ConflictKind::update_origin_differs, 10, {10}) == Resolution::keep_target));
    }
}

BOOST_AUTO_TEST_CASE(a_missing_commit_time_is_older_than_all) {
    BOOST_TEST((decide(with(ConflictPolicy::last_update_wins), ConflictKind::insert_exists, 10, {std::nullopt}) ==
                Resolution::overwrite));
    BOOST_TEST((decide(with(ConflictPolicy::first_update_wins), ConflictKind::insert_exists, 10, {std::nullopt}) ==
                Resolution::keep_target));
}

BOOST_AUTO_TEST_CASE(of_several_rows_the_change_has_to_win_against_each) {
    const auto last = with(ConflictPolicy::last_update_wins);
    BOOST_TEST((decide(last, ConflictKind::multiple_unique_conflicts, 10, {8, 9}) == Resolution::overwrite));
    BOOST_TEST((decide(last, ConflictKind::multiple_unique_conflicts, 10, {8, 11}) == Resolution::keep_target));
}

BOOST_AUTO_TEST_CASE(a_kind_and_before_it_a_table_may_have_a_policy_of_its_own) {
    auto settings = with(ConflictPolicy::fail);
    settings.by_kind["update_exists"] = ConflictPolicy::overwrite;
    BOOST_TEST((decide(settings, ConflictKind::insert_exists) == Resolution::stop));
    BOOST_TEST((decide(settings, ConflictKind::update_exists) == Resolution::overwrite));
    settings.by_table[table] = ConflictPolicy::ignore;
    BOOST_TEST((decide(settings, ConflictKind::update_exists) == Resolution::keep_target));
    BOOST_TEST((policy_of(settings, {"shop", "other"}, ConflictKind::update_exists) == ConflictPolicy::overwrite));
}

BOOST_AUTO_TEST_SUITE_END()
