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

BOOST_AUTO_TEST_SUITE_END()
