// key_set_test.cpp: what may run side by side, and what must not although no key looks the same.
#include "apply/key_set.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <optional>
#include <string>

using namespace walbridge;
using namespace walbridge::apply;

namespace {

using Texts = std::vector<std::optional<std::string>>;

/// A table (id, code, note) with the primary key id.
struct Fixture {
    Fixture() {
        relation.columns.resize(3);
        plan.relation = &relation;
        plan.table.oid = 5000;
        for (std::uint32_t index = 0; index < 3; ++index) {
            target::PlannedColumn column;
            column.source = index;
            column.target.name = std::string(1, static_cast<char>('a' + index));
            column.target.exact_equality = true;
            column.key = index == 0;
            plan.columns.push_back(column);
        }
        plan.key = {0};
        plan.lookup = target::Lookup::unique_key;
        key({"a"}).primary = true;
    }

    /// The plan as the tables of the case make it.
    const target::TablePlan &planned() {
        plan.unique_keys = target::unique_keys_of(plan);
        return plan;
    }
    target::TargetKey &key(std::vector<std::string> columns) {
        auto &made = plan.table.keys.emplace_back();
        made.columns = std::move(columns);
        return made;
    }
    Tuple tuple(const Texts &texts) {
        auto &row = rows.emplace_back();
        for (const auto &text : texts) {
            if (!text)
                row.push_back({ValueKind::null, {}});
            else if (*text == "~")
                row.push_back({ValueKind::unchanged, {}});
            else
                row.push_back({ValueKind::text, strings.emplace_back(*text)});
        }
        return row;
    }
    RowChange insert(const Texts &row) { return {&relation, RowOperation::insert, OldTuple::none, {}, tuple(row)}; }
    RowChange update(const Texts &row) { return {&relation, RowOperation::update, OldTuple::none, {}, tuple(row)}; }
    RowChange update(OldTuple kind, const Texts &old_row, const Texts &row) {
        return {&relation, RowOperation::update, kind, tuple(old_row), tuple(row)};
    }
    RowChange remove(OldTuple kind, const Texts &old_row) {
        return {&relation, RowOperation::remove, kind, tuple(old_row), {}};
    }
    bool disjoint(const RowChange &left, const RowChange &right) {
        KeySet one, other;
        BOOST_REQUIRE(one.add(planned(), left));
        BOOST_REQUIRE(other.add(planned(), right));
        BOOST_TEST(one.disjoint(other) == other.disjoint(one));
        return one.disjoint(other);
    }

    Relation relation;
    target::TablePlan plan;
    std::deque<std::vector<Value>> rows;
    std::deque<std::string> strings;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(key_sets, Fixture)

BOOST_AUTO_TEST_CASE(changes_of_different_rows_are_disjoint_and_of_the_same_row_are_not) {
    BOOST_TEST(disjoint(insert({"1", "x", "n"}), insert({"2", "x", "n"})));
    BOOST_TEST(!disjoint(insert({"1", "x", "n"}), update({"1", "y", "n"})));
    BOOST_TEST(!disjoint(remove(OldTuple::key, {"1", std::nullopt, std::nullopt}), insert({"1", "x", "n"})));
}

BOOST_AUTO_TEST_CASE(a_key_change_takes_the_old_key_and_the_new_one) {
    const auto moved = update(OldTuple::key, {"1", std::nullopt, std::nullopt}, {"2", "x", "n"});
    BOOST_TEST(!disjoint(moved, insert({"1", "x", "n"})));
    BOOST_TEST(!disjoint(moved, update({"2", "x", "n"})));
    BOOST_TEST(disjoint(moved, update({"3", "x", "n"})));
}

BOOST_AUTO_TEST_CASE(a_second_unique_key_joins_rows_that_their_primary_keys_keep_apart) {
    key({"b"});
    BOOST_TEST(!disjoint(insert({"1", "x", "n"}), insert({"2", "x", "n"})));
    BOOST_TEST(disjoint(insert({"1", "x", "n"}), insert({"2", "y", "n"})));
}

BOOST_AUTO_TEST_CASE(unique_values_that_are_given_up_unseen_take_the_whole_table) {
    key({"b"});
    BOOST_TEST(!disjoint(update({"1", "x", "n"}), insert({"2", "y", "n"})));
    BOOST_TEST(!disjoint(remove(OldTuple::key, {"1", std::nullopt, std::nullopt}), insert({"2", "y", "n"})));
    // With REPLICA IDENTITY FULL they are seen.
    BOOST_TEST(disjoint(update(OldTuple::full, {"1", "w", "n"}, {"1", "x", "n"}), insert({"2", "y", "n"})));
    BOOST_TEST(!disjoint(update(OldTuple::full, {"1", "w", "n"}, {"1", "x", "n"}), insert({"2", "w", "n"})));
    BOOST_TEST(!disjoint(remove(OldTuple::full, {"1", "y", "n"}), insert({"2", "y", "n"})));
}

BOOST_AUTO_TEST_CASE(nulls_do_not_meet_unless_the_key_says_so) {
    auto &second = key({"b"});
    BOOST_TEST(disjoint(insert({"1", std::nullopt, "n"}), insert({"2", std::nullopt, "n"})));
    second.nulls_not_distinct = true;
    BOOST_TEST(!disjoint(insert({"1", std::nullopt, "n"}), insert({"2", std::nullopt, "n"})));
}

BOOST_AUTO_TEST_CASE(keys_that_are_equal_in_other_bytes_take_the_whole_table) {
    plan.columns[0].target.exact_equality = false; // numeric: 1.0 = 1.00
    BOOST_TEST(!disjoint(insert({"1.0", "x", "n"}), insert({"2", "y", "n"})));
}

BOOST_AUTO_TEST_CASE(indexes_on_expressions_or_parts_and_rows_without_a_key_take_the_whole_table) {
    auto &second = key({"b"});
    second.usable = false;
    BOOST_TEST(!disjoint(insert({"1", "x", "n"}), insert({"2", "y", "n"})));
    plan.table.keys.clear();
    plan.lookup = target::Lookup::full_row;
    BOOST_TEST(!disjoint(remove(OldTuple::full, {"1", "x", "n"}), insert({"2", "y", "n"})));
    BOOST_TEST(disjoint(insert({"1", "x", "n"}), insert({"1", "x", "n"})));
}

BOOST_AUTO_TEST_CASE(a_unique_value_that_did_not_travel_is_the_old_rows) {
    key({"b"});
    const auto change = update(OldTuple::full, {"1", "x", "n"}, {"1", "~", "m"});
    BOOST_TEST(!disjoint(change, insert({"2", "x", "n"})));
    BOOST_TEST(disjoint(change, insert({"2", "y", "n"})));
}

BOOST_AUTO_TEST_CASE(triggers_make_a_change_unbounded) {
    plan.table.firing_triggers = true;
    KeySet set;
    BOOST_TEST(!set.add(planned(), insert({"1", "x", "n"})));
}

BOOST_AUTO_TEST_CASE(other_tables_do_not_matter) {
    KeySet one, other;
    BOOST_REQUIRE(one.add(planned(), remove(OldTuple::key, {"1", std::nullopt, std::nullopt})));
    plan.table.oid = 5001;
    BOOST_REQUIRE(other.add(planned(), insert({"1", "x", "n"})));
    BOOST_TEST(one.disjoint(other));
}

BOOST_AUTO_TEST_SUITE_END()
