// checksum_test.cpp: tallies and the ledger of streamed transactions.
#include "wire/checksum.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

using namespace walbridge::wire;

BOOST_AUTO_TEST_SUITE(checksum)

BOOST_AUTO_TEST_CASE(the_checksum_is_crc32c) {
    BOOST_TEST(extend_crc(0, "123456789") == 0xe3069283u);
    BOOST_TEST(extend_crc(extend_crc(0, "12345"), "6789") == 0xe3069283u);
    BOOST_TEST(extend_crc(0, "") == 0u);
    BOOST_TEST(extend_crc(0, std::string(32, '\0')) == 0x8a9136aau); // RFC 3720, B.4
}

BOOST_AUTO_TEST_CASE(processors_without_the_instruction_get_the_same_checksum) {
    BOOST_TEST(extend_crc_by_table(0, "123456789") == 0xe3069283u);
    std::mt19937 random(3);
    std::string bytes(300, '\0');
    for (char &byte : bytes) byte = static_cast<char>(random());
    for (std::size_t from = 0; from < 9; ++from)
        for (std::size_t to = from; to < bytes.size(); ++to) {
            const auto part = std::string_view(bytes).substr(from, to - from);
            BOOST_REQUIRE_EQUAL(extend_crc(77, part), extend_crc_by_table(77, part));
        }
}

BOOST_AUTO_TEST_CASE(an_aborted_subtransaction_leaves_no_trace_in_the_total) {
    StreamLedger with;
    StreamLedger without;
    with.of(10).add("one");
    with.of(11).add("gone");
    with.of(12).add("two");
    with.abort(11);
    without.of(12).add("two");
    without.of(10).add("one");
    BOOST_TEST((with.total() == without.total()));
    BOOST_TEST(with.total().changes == 2u);
}

BOOST_AUTO_TEST_CASE(the_total_notices_changes_that_moved_between_subtransactions) {
    StreamLedger a;
    StreamLedger b;
    a.of(10).add("one");
    a.of(11).add("two");
    b.of(11).add("one");
    b.of(10).add("two");
    BOOST_TEST(a.total().checksum != b.total().checksum);
}

BOOST_AUTO_TEST_CASE(a_subtransaction_without_changes_does_not_count) {
    StreamLedger ledger;
    ledger.of(10);
    BOOST_TEST((ledger.total() == Tally{}));
}

BOOST_AUTO_TEST_SUITE_END()
