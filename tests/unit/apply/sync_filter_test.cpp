// sync_filter_test.cpp: which changes the copy already holds; the boundary is where rows get lost or come twice.
#include "apply/sync_filter.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::apply;

namespace {

const Lsn early{100}, late{200};

Relation keyed() {
    Relation relation;
    relation.oid = 7;
    relation.columns.resize(1);
    relation.key_columns = {0};
    return relation;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sync_filter)

BOOST_AUTO_TEST_CASE(a_commit_at_the_sync_position_is_not_in_the_copy) {
    SyncFilter filter;
    filter.add(7, {.high = std::nullopt, .sync_lsn = early});
    BOOST_TEST((SyncFilter::of_table(*filter.table(7), Lsn{99}) == SyncVerdict::copied));
    BOOST_TEST((SyncFilter::of_table(*filter.table(7), early) == SyncVerdict::apply));
}

BOOST_AUTO_TEST_CASE(a_table_without_state_is_always_applied) {
    SyncFilter filter;
    BOOST_TEST(filter.table(7) == nullptr);
}

BOOST_AUTO_TEST_CASE(chunks_under_different_snapshots_are_judged_by_the_row) {
    SyncFilter filter;
    filter.add(7, {.high = 10, .sync_lsn = early});
    filter.add(7, {.low = 10, .high = std::nullopt, .sync_lsn = late});
    const auto *table = filter.table(7);
    BOOST_TEST(!SyncFilter::of_table(*table, Lsn{150}).has_value());
    const auto relation = keyed();
    const Value nine{ValueKind::text, "9"}, ten{ValueKind::text, "10"};
    BOOST_TEST((SyncFilter::of_row(*table, relation, {&nine, 1}, Lsn{150}) == SyncVerdict::apply));
    BOOST_TEST((SyncFilter::of_row(*table, relation, {&ten, 1}, Lsn{150}) == SyncVerdict::copied));
    BOOST_TEST((SyncFilter::of_row(*table, relation, {&ten, 1}, late) == SyncVerdict::apply));
}

BOOST_AUTO_TEST_CASE(a_table_is_forgotten_once_every_later_commit_is_after_it) {
    SyncFilter filter;
    filter.add(7, {.high = std::nullopt, .sync_lsn = early});
    filter.passed(Lsn{99});
    BOOST_TEST(filter.table(7) != nullptr);
    filter.passed(early);
    BOOST_TEST(filter.empty());
}

BOOST_AUTO_TEST_CASE(integers_are_read_in_both_forms) {
    using namespace std::string_view_literals;
    BOOST_TEST(integer_of({ValueKind::text, "-42"}).value() == -42);
    BOOST_TEST(integer_of({ValueKind::binary, "\xff\xff"sv}).value() == -1);
    BOOST_TEST(integer_of({ValueKind::binary, "\x00\x00\x00\x07"sv}).value() == 7);
    BOOST_TEST(integer_of({ValueKind::binary, "\x80\x00\x00\x00\x00\x00\x00\x00"sv}).value() ==
               std::numeric_limits<std::int64_t>::min());
    BOOST_TEST(!integer_of({ValueKind::text, "7.0"}).has_value());
    BOOST_TEST(!integer_of({ValueKind::null, {}}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
