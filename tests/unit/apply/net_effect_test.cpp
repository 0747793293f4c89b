// net_effect_test.cpp: the set operations must leave a table exactly as the changes one after the other would, and must
// not hide a row that was missing or in the way.
#include "apply/net_effect.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <map>
#include <random>

using namespace walbridge;
using namespace walbridge::apply;
using Kind = SetOperation::Kind;

namespace {

/// A table (id, a, b) with the key id, and a stream of changes over it.
class Stream {
  public:
    Stream() {
        relation.columns.resize(3);
        relation.columns[0].key = true;
        relation.key_columns = {0};
        plan.relation = &relation;
        for (std::uint32_t index = 0; index < 3; ++index) {
            target::PlannedColumn column;
            column.source = index;
            column.key = index == 0;
            plan.columns.push_back(column);
        }
        plan.key = {0};
        plan.lookup = target::Lookup::unique_key;
    }

    void insert(const std::string &id, const std::string &a, const std::string &b) {
        add(RowOperation::insert, {}, {id, a, b});
    }
    /// "~" = unchanged
    void update(const std::string &id, const std::string &a, const std::string &b) {
        add(RowOperation::update, {}, {id, a, b});
    }
    void move(const std::string &old_id, const std::string &id, const std::string &a, const std::string &b) {
        add(RowOperation::update, {old_id, "", ""}, {id, a, b});
    }
    void remove(const std::string &id) { add(RowOperation::remove, {id, "", ""}, {}); }
    /// REPLICA IDENTITY FULL: the whole old row travels.
    void update_full(const std::vector<std::string> &old_row, const std::vector<std::string> &row) {
        add(RowOperation::update, old_row, row);
        changes.back().old_kind = OldTuple::full;
    }

    std::optional<NetEffect> effect() {
        std::vector<const RowChange *> pointers;
        for (const auto &change : changes) pointers.push_back(&change);
        return net_effect(plan, pointers);
    }

    Relation relation;
    target::TablePlan plan;
    std::deque<RowChange> changes;

  private:
    Tuple tuple(const std::vector<std::string> &texts) {
        if (texts.empty()) return {};
        auto &values = values_.emplace_back();
        for (const auto &text : texts) {
            if (text == "~")
                values.push_back({ValueKind::unchanged, {}});
            else
                values.push_back({ValueKind::text, texts_.emplace_back(text)});
        }
        return values;
    }
    void add(RowOperation operation, const std::vector<std::string> &old_row, const std::vector<std::string> &row) {
        RowChange change;
        change.relation = &relation;
        change.operation = operation;
        change.old_kind = old_row.empty() ? OldTuple::none : OldTuple::key;
        change.old_row = tuple(old_row);
        change.new_row = tuple(row);
        changes.push_back(change);
    }
    std::deque<std::vector<Value>> values_;
    std::deque<std::string> texts_;
};

std::vector<Kind> kinds(const NetEffect &effect) {
    std::vector<Kind> all;
    for (const auto &operation : effect.operations) all.push_back(operation.kind);
    return all;
}

using Model = std::map<std::string, std::pair<std::string, std::string>>;

std::string text_of(const Value &value) { return std::string(value.bytes); }

/// Applies the set operations as a database would, with their proofs; false = a proof failed.
bool run(const NetEffect &effect, Model &model) {
    for (const auto &operation : effect.operations) {
        for (std::size_t at = 0; at < std::max(operation.keys.size(), operation.rows.size()); ++at) {
            const auto key = text_of(operation.kind == Kind::insert ? operation.rows[at][0] : operation.keys[at][0]);
            const bool there = model.contains(key);
            if (there != (operation.kind == Kind::remove || operation.kind == Kind::update)) return false;
            if (operation.kind == Kind::remove) model.erase(key);
            if (operation.kind == Kind::insert)
                model[key] = {text_of(operation.rows[at][1]), text_of(operation.rows[at][2])};
            if (operation.kind == Kind::update) {
                if (operation.rows[at][1].present()) model[key].first = text_of(operation.rows[at][1]);
                if (operation.rows[at][2].present()) model[key].second = text_of(operation.rows[at][2]);
            }
        }
    }
    return true;
}

} // namespace

BOOST_AUTO_TEST_SUITE(net_effects)

BOOST_AUTO_TEST_CASE(updates_of_a_key_become_one_with_the_last_value_of_each_column) {
    Stream stream;
    stream.update("1", "x", "~");
    stream.update("1", "~", "y");
    stream.update("1", "z", "~");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    BOOST_REQUIRE((kinds(*effect) == std::vector{Kind::update}));
    BOOST_TEST(text_of(effect->operations[0].rows[0][1]) == "z");
    BOOST_TEST(text_of(effect->operations[0].rows[0][2]) == "y");
}

BOOST_AUTO_TEST_CASE(where_the_whole_old_row_travelled_only_what_changed_is_set) {
    for (const bool extra_unique_keys : {false, true}) {
        Stream stream;
        stream.plan.extra_unique_keys = extra_unique_keys;
        stream.update_full({"1", "a", "b"}, {"1", "a", "c"});
        const auto effect = stream.effect();
        BOOST_REQUIRE(effect);
        BOOST_REQUIRE((kinds(*effect) == std::vector{Kind::update}));
        BOOST_TEST((effect->operations[0].rows[0][1].kind == ValueKind::unchanged));
        BOOST_TEST(text_of(effect->operations[0].rows[0][2]) == "c");
    }
}

BOOST_AUTO_TEST_CASE(a_key_change_that_leaves_columns_as_they_are_is_no_delete_and_insert) {
    Stream stream;
    stream.update_full({"1", "a", "b"}, {"2", "a", "c"}); // the target keeps its own value of a
    BOOST_TEST(!stream.effect());

    Stream own_column;
    own_column.plan.table.columns.resize(4); // the target has a column that the source has not
    own_column.move("1", "2", "a", "b");
    BOOST_TEST(!own_column.effect());

    Stream made_here;
    made_here.plan.table.columns.resize(4);
    made_here.insert("1", "a", "b");
    made_here.update_full({"1", "a", "b"}, {"2", "a", "c"});
    const auto effect = made_here.effect();
    BOOST_REQUIRE(effect);
    BOOST_REQUIRE((kinds(*effect) == std::vector{Kind::absent, Kind::insert}));
    BOOST_TEST(text_of(effect->operations[1].rows[0][1]) == "a");
}

BOOST_AUTO_TEST_CASE(an_insert_that_is_deleted_again_still_proves_that_no_row_was_in_the_way) {
    Stream stream;
    stream.insert("1", "a", "b");
    stream.remove("1");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    BOOST_TEST((kinds(*effect) == std::vector{Kind::absent}));
}

BOOST_AUTO_TEST_CASE(a_deleted_row_that_comes_back_is_deleted_and_inserted) {
    Stream stream;
    stream.remove("1");
    stream.insert("1", "a", "b");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    BOOST_TEST((kinds(*effect) == std::vector{Kind::remove, Kind::insert}));
}

BOOST_AUTO_TEST_CASE(a_key_swap_is_deletes_then_inserts) {
    Stream stream;
    stream.move("1", "3", "one", "1");
    stream.move("2", "1", "two", "2");
    stream.move("3", "2", "one", "1");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    Model model{{"1", {"one", "1"}}, {"2", {"two", "2"}}};
    BOOST_TEST(run(*effect, model));
    BOOST_TEST(model["1"].first == "two");
    BOOST_TEST(model["2"].first == "one");
    BOOST_TEST(model.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_key_change_beside_a_value_that_did_not_travel_goes_row_by_row) {
    Stream stream;
    stream.move("1", "2", "a", "~");
    BOOST_TEST(!stream.effect());
}

BOOST_AUTO_TEST_CASE(a_key_change_of_a_row_made_here_knows_every_value) {
    Stream stream;
    stream.insert("1", "a", "big");
    stream.move("1", "2", "c", "~");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    Model model;
    BOOST_TEST(run(*effect, model));
    BOOST_TEST(model["2"].second == "big");
}

BOOST_AUTO_TEST_CASE(updates_of_different_columns_stay_apart) {
    Stream stream;
    stream.update("1", "x", "~");
    stream.update("2", "~", "y");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    BOOST_TEST((kinds(*effect) == std::vector{Kind::update, Kind::update}));
}

BOOST_AUTO_TEST_CASE(further_unique_keys_keep_the_order_in_runs) {
    Stream stream;
    stream.plan.extra_unique_keys = true;
    stream.insert("1", "a", "b");
    stream.insert("2", "a", "b");
    stream.update("1", "c", "d");
    stream.update("1", "e", "f");
    stream.remove("2");
    const auto effect = stream.effect();
    BOOST_REQUIRE(effect);
    BOOST_TEST((kinds(*effect) == std::vector{Kind::insert, Kind::update, Kind::update, Kind::remove}));
    BOOST_TEST(effect->operations[0].rows.size() == 2u);
}

BOOST_AUTO_TEST_CASE(random_streams_leave_the_table_as_one_change_after_the_other_would) {
    std::mt19937 random(20260101);
    for (int round = 0; round < 3000; ++round) {
        Stream stream;
        Model before;
        for (int id = 0; id < 4; ++id)
            if (random() % 2 == 0) before[std::to_string(id)] = {"old", "old"};
        auto after = before;
        for (int step = 0; step < 12; ++step) {
            const auto id = std::to_string(random() % 4), value = std::to_string(random() % 100);
            const bool there = after.contains(id);
            if (!there) {
                stream.insert(id, value, "b" + value);
                after[id] = {value, "b" + value};
            } else if (random() % 3 == 0) {
                stream.remove(id);
                after.erase(id);
            } else if (const auto other = std::to_string(random() % 4); random() % 3 == 0 && !after.contains(other)) {
                stream.move(id, other, value, "moved");
                after.erase(id);
                after[other] = {value, "moved"};
            } else {
                stream.update(id, value, "~");
                after[id].first = value;
            }
        }
        const auto effect = stream.effect();
        BOOST_REQUIRE(effect);
        auto result = before;
        BOOST_REQUIRE(run(*effect, result));
        BOOST_REQUIRE(result == after);
    }
}

BOOST_AUTO_TEST_CASE(random_streams_against_a_diverged_table_never_pass_unnoticed) {
    std::mt19937 random(20260102);
    for (int round = 0; round < 3000; ++round) {
        Stream stream;
        Model source, target;
        for (int id = 0; id < 3; ++id) {
            if (random() % 2 == 0) source[std::to_string(id)] = {"s", "s"};
            if (random() % 2 == 0) target[std::to_string(id)] = {"t", "t"};
        }
        auto exact = target;
        bool conflict = false;
        for (int step = 0; step < 6; ++step) {
            const auto id = std::to_string(random() % 3);
            if (!source.contains(id)) {
                stream.insert(id, "n", "n");
                source[id] = {"n", "n"};
                conflict = conflict || !exact.try_emplace(id, "n", "n").second;
            } else if (random() % 2 == 0) {
                stream.remove(id);
                source.erase(id);
                conflict = conflict || exact.erase(id) == 0;
            } else {
                stream.update(id, "u", "u");
                conflict = conflict || !exact.contains(id);
                exact[id] = {"u", "u"};
            }
        }
        const auto effect = stream.effect();
        BOOST_REQUIRE(effect);
        auto result = target;
        const bool passed = run(*effect, result);
        BOOST_REQUIRE_EQUAL(passed, !conflict);
        if (passed) BOOST_REQUIRE(result == exact);
    }
}

BOOST_AUTO_TEST_SUITE_END()
