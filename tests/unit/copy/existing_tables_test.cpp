// existing_tables_test.cpp: when a table that meets rows on the target may be copied in pieces of different times.
#include "copy/existing_tables.hpp"

#include "table_builder.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::copy;
using test::table;

BOOST_AUTO_TEST_CASE(pieces_are_cut_by_the_only_key_of_both_sides) {
    BOOST_TEST(may_be_cut(table(), {Existing::rows, {{"id"}}}, {}));
    BOOST_TEST(may_be_cut(table(), {Existing::rows, {}}, {}));
    BOOST_TEST(may_be_cut(table(), {Existing::rows, {{"id"}, {"id"}}}, {}));
}

BOOST_AUTO_TEST_CASE(another_key_of_the_target_may_take_a_row_of_an_older_piece_for_one_that_was_there) {
    BOOST_TEST(!may_be_cut(table(), {Existing::rows, {{"id"}, {"note"}}}, {}));
    BOOST_TEST(!may_be_cut(table(), {Existing::rows, {{"id", "note"}}}, {}));
    BOOST_TEST(!may_be_cut(table(), {Existing::rows, {{""}}}, {})); // an expression
    auto without_key = table();
    without_key.indexes.clear();
    BOOST_TEST(!may_be_cut(without_key, {Existing::rows, {}}, {}));
}

BOOST_AUTO_TEST_CASE(the_column_is_looked_for_by_its_name_on_the_target) {
    NameMap names;
    names.add_columns(NamePattern{"public"}, NamePattern{"t"}, NamePattern{"id"}, "number");
    BOOST_TEST(may_be_cut(table(), {Existing::rows, {{"number"}}}, names));
    BOOST_TEST(!may_be_cut(table(), {Existing::rows, {{"id"}}}, names));
}

BOOST_AUTO_TEST_CASE(words_of_what_existed_are_read_as_they_were_written) {
    for (const auto existing : {Existing::none, Existing::empty, Existing::rows})
        BOOST_TEST((existing_of(name_of(existing)) == existing));
    BOOST_TEST(!existing_of("some").has_value());
}
