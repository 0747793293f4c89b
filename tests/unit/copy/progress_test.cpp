// progress_test.cpp: counters of the load.
#include "copy/progress.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::copy;

BOOST_AUTO_TEST_CASE(rows_are_added_and_taken_back) {
    Progress progress;
    TableProgress table;
    table.table = {"public", "t"};
    table.chunks = 2;
    progress.set_table(table);
    progress.add(table.table, 100, 1000);
    progress.add(table.table, -40, -400);
    progress.chunk_done(table.table);
    const auto seen = progress.snapshot().tables.at(0);
    BOOST_TEST(seen.rows == 60u);
    BOOST_TEST(seen.bytes == 600u);
    BOOST_TEST(!seen.done());
    progress.chunk_done(table.table);
    BOOST_TEST(progress.snapshot().tables.at(0).done());
}

BOOST_AUTO_TEST_CASE(unknown_tables_are_not_counted) {
    Progress progress;
    progress.add({"public", "t"}, 1, 1);
    BOOST_TEST(progress.snapshot().tables.empty());
}

BOOST_AUTO_TEST_CASE(entering_a_phase_starts_its_items_anew) {
    Progress progress;
    progress.enter(Phase::before_data, 3);
    progress.item_done();
    BOOST_TEST(progress.snapshot().items_done == 1);
    progress.enter(Phase::indexes, 5);
    BOOST_TEST(progress.snapshot().items_done == 0);
    BOOST_TEST(progress.snapshot().items == 5);
    BOOST_TEST(name_of(progress.snapshot().phase) == "indexes");
}
