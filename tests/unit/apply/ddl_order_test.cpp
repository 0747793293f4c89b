// ddl_order_test.cpp: statements are executed in the order in which they began.
#include "apply/ddl_order.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::apply;

namespace {

DdlArrival arrival(std::uint64_t number, std::uint64_t parent = 0) {
    DdlArrival made;
    made.statement.number = number;
    made.statement.parent = parent;
    return made;
}

std::vector<std::uint64_t> numbers(const std::vector<DdlArrival> &arrivals) {
    std::vector<std::uint64_t> all;
    for (const auto &one : arrivals) all.push_back(one.statement.number);
    return all;
}

using Numbers = std::vector<std::uint64_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(ddl_order)

BOOST_AUTO_TEST_CASE(statements_side_by_side_pass) {
    DdlOrder order;
    BOOST_TEST(numbers(order.take(arrival(1))) == Numbers{1}, boost::test_tools::per_element());
    BOOST_TEST(numbers(order.take(arrival(2))) == Numbers{2}, boost::test_tools::per_element());
    BOOST_TEST(order.rest().empty());
}

/// The GRANT of a user's event trigger is written before the CREATE TABLE that caused it.
BOOST_AUTO_TEST_CASE(inner_statements_wait_for_their_outer_one) {
    DdlOrder order;
    BOOST_TEST(order.take(arrival(3, 2)).empty());
    BOOST_TEST(order.take(arrival(4, 2)).empty());
    BOOST_TEST(order.take(arrival(2, 1)).empty());
    BOOST_TEST(numbers(order.take(arrival(1))) == (Numbers{1, 2, 3, 4}), boost::test_tools::per_element());
}

/// A statement that announces itself (CREATE TABLE AS) is known from its first message on.
BOOST_AUTO_TEST_CASE(an_announced_statement_is_known) {
    DdlOrder order;
    BOOST_TEST(numbers(order.take(arrival(1))) == Numbers{1}, boost::test_tools::per_element());
    BOOST_TEST(numbers(order.take(arrival(2, 1))) == Numbers{2}, boost::test_tools::per_element());
    BOOST_TEST(numbers(order.take(arrival(1))) == Numbers{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_waits_in_vain_is_done_at_the_end) {
    DdlOrder order;
    BOOST_TEST(order.take(arrival(9, 8)).empty());
    BOOST_TEST(order.take(arrival(3, 2)).empty());
    BOOST_TEST(order.take(arrival(8, 7)).empty());
    BOOST_TEST(numbers(order.rest()) == (Numbers{3, 8, 9}), boost::test_tools::per_element());
    BOOST_TEST(order.rest().empty());
}

BOOST_AUTO_TEST_SUITE_END()
