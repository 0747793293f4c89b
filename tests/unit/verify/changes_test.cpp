// A table of which not every change is known has to be read as a whole; everything else would claim too much.
#include "verify/changes.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::verify {
namespace {

using Changed = std::vector<SnapshotPair::ChangedKey>;

TablePair table() {
    TablePair made;
    made.source.name = {"public", "t"};
    made.columns = {{"a", "\"a\"", "\"a\"", 23}, {"v", "\"v\"", "\"v\"", 25}, {"b", "\"b\"", "\"b\"", 23}};
    made.key = {2, 0}; // the key's order is not the table's
    return made;
}

SnapshotPair::ChangedKey key(std::uint64_t since, std::vector<std::string> columns, std::vector<std::string> values) {
    return {{"public", "t"}, Lsn{since}, std::move(columns), std::move(values)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(changes)

BOOST_AUTO_TEST_CASE(keys_come_in_the_order_of_the_key) {
    const auto found = changes_of(table(), Lsn{100}, Lsn{50}, {key(100, {"a", "b"}, {"1", "2"})});
    BOOST_REQUIRE(found.known);
    BOOST_REQUIRE_EQUAL(found.keys.size(), 1);
    BOOST_TEST(found.keys[0] == (std::vector<std::string>{"2", "1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changes_before_the_comparison_were_seen_by_it) {
    const auto found = changes_of(table(), Lsn{100}, Lsn{50}, {key(50, {"a", "b"}, {"1", "2"})});
    BOOST_TEST(found.known);
    BOOST_TEST(found.keys.empty());
}

BOOST_AUTO_TEST_CASE(everything_is_read_when_something_is_not_known) {
    BOOST_TEST(!changes_of(table(), std::nullopt, Lsn{50}, {}).known);
    BOOST_TEST(!changes_of(table(), Lsn{100}, std::nullopt, {}).known);
    BOOST_TEST(!changes_of(table(), Lsn{100}, Lsn{101}, {}).known); // the process was started later
    BOOST_TEST(!changes_of(table(), Lsn{100}, Lsn{50}, {key(100, {}, {})}).known);
    BOOST_TEST(!changes_of(table(), Lsn{100}, Lsn{50}, {key(100, {"a"}, {"1"})}).known);
    BOOST_TEST(!changes_of(table(), Lsn{100}, Lsn{50}, {key(100, {"a", "v"}, {"1", "x"})}).known);
    BOOST_TEST(!changes_of(table(), Lsn{100}, Lsn{50}, Changed{{{}, Lsn{100}, {}, {}}}).known); // DDL
    BOOST_TEST(changes_of(table(), Lsn{100}, Lsn{50}, Changed{{{}, Lsn{99}, {}, {}}}).known);
}

BOOST_AUTO_TEST_CASE(changes_of_other_tables_do_not_matter) {
    BOOST_TEST(changes_of(table(), Lsn{100}, Lsn{50}, Changed{{{"public", "u"}, Lsn{100}, {}, {}}}).known);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::verify
