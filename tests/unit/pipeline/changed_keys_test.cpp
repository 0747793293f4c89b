// A changed row that is not remembered is one that nobody compares.
#include "pipeline/changed_keys.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace walbridge::pipeline {
namespace {

struct Fixture {
    ChangedKeys keys;
    Relation relation;
    ChangeBatch batch;

    Fixture() {
        relation.oid = 7;
        relation.name = {"public", "t"};
        Column id, value;
        id.name = "id";
        id.type_oid = 23;
        id.key = true;
        value.name = "v";
        value.type_oid = 25;
        relation.columns = {id, value};
        relation.key_columns = {0};
    }

    Tuple row(std::string_view id) {
        auto values = batch.allocate_values(2);
        values[0] = {ValueKind::text, batch.copy(id)};
        values[1] = {ValueKind::text, "x"};
        return values;
    }
    void note(const Change &change, StreamStep step = StreamStep::none, std::uint32_t xid = 1, bool starts = true) {
        TransactionPiece piece;
        piece.begin.xid = xid;
        piece.stream = step;
        piece.starts = starts;
        piece.first = batch.changes.size();
        batch.changes.push_back(change);
        piece.last = batch.changes.size();
        keys.note(batch, piece);
    }
    void commit_streamed(std::uint32_t xid) {
        TransactionPiece piece;
        piece.begin.xid = xid;
        piece.stream = StreamStep::committed;
        keys.note(batch, piece);
    }
    RowChange update(std::string_view id) { return {&relation, RowOperation::update, OldTuple::none, {}, row(id)}; }
    static std::vector<std::string> values(const ChangedKeys::Collected &collected) {
        std::vector<std::string> found;
        for (const auto &entry : collected.entries) found.push_back(entry.values.empty() ? "*" : entry.values.front());
        std::sort(found.begin(), found.end());
        return found;
    }
};

using Strings = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(changed_keys, Fixture)

BOOST_AUTO_TEST_CASE(nothing_is_known_before_the_first_alignment) {
    note(update("1"));
    const auto first = keys.align(Lsn{100}, Lsn{50});
    BOOST_TEST(!first.complete_since.has_value());
    BOOST_TEST(first.entries.empty());
}

BOOST_AUTO_TEST_CASE(both_keys_of_a_moved_row_are_remembered) {
    static_cast<void>(keys.align(Lsn{100}, std::nullopt));
    note(RowChange{&relation, RowOperation::update, OldTuple::key, row("1"), row("2")});
    note(RowChange{&relation, RowOperation::remove, OldTuple::key, row("3"), {}});
    const auto found = keys.align(Lsn{200}, Lsn{100});
    BOOST_TEST((found.complete_since == Lsn{100}));
    BOOST_TEST(values(found) == (Strings{"1", "2", "3"}), boost::test_tools::per_element());
    BOOST_TEST((found.entries.front().since == Lsn{100}));
}

BOOST_AUTO_TEST_CASE(what_was_compared_since_is_forgotten) {
    static_cast<void>(keys.align(Lsn{100}, std::nullopt));
    note(update("1"));
    static_cast<void>(keys.align(Lsn{200}, std::nullopt));
    note(update("2"));
    BOOST_TEST(values(keys.align(Lsn{300}, Lsn{200})) == (Strings{"2"}), boost::test_tools::per_element());
    // Asked for more than is still there, it says so.
    BOOST_TEST((keys.align(Lsn{400}, Lsn{100}).complete_since == Lsn{200}));
}

BOOST_AUTO_TEST_CASE(truncate_ddl_and_full_identity_mean_any_row) {
    static_cast<void>(keys.align(Lsn{100}, std::nullopt));
    note(update("1"));
    const Relation *const relations[] = {&relation};
    note(TruncateChange{relations, false, false});
    BOOST_TEST(values(keys.align(Lsn{200}, Lsn{100})) == (Strings{"*"}), boost::test_tools::per_element());
    relation.identity = ReplicaIdentity::full;
    note(update("1"));
    BOOST_TEST(values(keys.align(Lsn{300}, Lsn{200})) == (Strings{"*"}), boost::test_tools::per_element());
    TransactionPiece ddl;
    ddl.ddl = true;
    keys.note(batch, ddl);
    const auto found = keys.align(Lsn{400}, Lsn{300});
    BOOST_REQUIRE_EQUAL(found.entries.size(), 1);
    BOOST_TEST((found.entries.front().table == QualifiedName{}));
}

BOOST_AUTO_TEST_CASE(a_streamed_transaction_counts_when_it_commits) {
    static_cast<void>(keys.align(Lsn{100}, std::nullopt));
    note(update("1"), StreamStep::block, 9);
    static_cast<void>(keys.align(Lsn{200}, std::nullopt)); // its rows are not on the target yet
    commit_streamed(9);
    BOOST_TEST(values(keys.align(Lsn{300}, Lsn{200})) == (Strings{"*"}), boost::test_tools::per_element());
    note(update("5"), StreamStep::block, 10);
    commit_streamed(10);
    BOOST_TEST(values(keys.align(Lsn{400}, Lsn{300})) == (Strings{"5"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_streamed_transaction_that_began_unseen_means_everything) {
    static_cast<void>(keys.align(Lsn{100}, std::nullopt));
    commit_streamed(9);
    BOOST_TEST(values(keys.align(Lsn{200}, Lsn{100})) == (Strings{"*"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(more_keys_than_there_is_room_for_mean_any_row) {
    ChangedKeys small(1000);
    static_cast<void>(small.align(Lsn{100}, std::nullopt));
    for (int id = 0; id < 100; ++id) {
        TransactionPiece piece;
        piece.first = batch.changes.size();
        batch.changes.push_back(update(std::to_string(id)));
        piece.last = batch.changes.size();
        small.note(batch, piece);
    }
    BOOST_TEST(values(small.align(Lsn{200}, Lsn{100})) == (Strings{"*"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::pipeline
