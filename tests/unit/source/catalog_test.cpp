// catalog_test.cpp: which index identifies rows, and what a fingerprint tells apart.
#include "source/catalog.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::source;

namespace {

Table table_with_key() {
    Table table;
    table.oid = 16400;
    table.name = {"public", "t"};
    table.filenode = 16400;
    table.columns = {{1, "id", 23, "integer", 'b', 0, true, '\0', '\0', {}, {}},
                     {3, "note", 25, "text", 'b', 0, false, '\0', '\0', {}, {}}};
    table.indexes = {{"t_pkey", true, true, true, true, false, false, false, {1}}};
    return table;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_primary_key_identifies_rows_by_default) {
    const auto table = table_with_key();
    BOOST_REQUIRE(identity_index(table) != nullptr);
    BOOST_TEST(identity_index(table)->name == "t_pkey");
}

BOOST_AUTO_TEST_CASE(a_deferrable_primary_key_identifies_nothing) {
    auto table = table_with_key();
    table.indexes.front().immediate = false;
    BOOST_TEST(identity_index(table) == nullptr);
}

BOOST_AUTO_TEST_CASE(replica_identity_full_and_nothing_have_no_index) {
    auto table = table_with_key();
    for (const char identity : {'f', 'n'}) {
        table.replica_identity = identity;
        BOOST_TEST(identity_index(table) == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(replica_identity_using_index_names_that_index) {
    auto table = table_with_key();
    table.replica_identity = 'i';
    table.indexes.push_back({"t_note", false, true, true, true, false, false, true, {3}});
    BOOST_REQUIRE(identity_index(table) != nullptr);
    BOOST_TEST(identity_index(table)->name == "t_note");
}

BOOST_AUTO_TEST_CASE(a_fingerprint_changes_with_storage_columns_and_types) {
    const auto table = table_with_key();
    const auto before = fingerprint(table);
    BOOST_TEST(fingerprint(table_with_key()) == before);

    auto rewritten = table;
    rewritten.filenode = 16500;
    BOOST_TEST(fingerprint(rewritten) != before);
    auto added = table;
    added.columns.push_back({4, "more", 25, "text", 'b', 0, false, '\0', '\0', {}, {}});
    BOOST_TEST(fingerprint(added) != before);
    auto retyped = table;
    retyped.columns.back().type = "character varying(10)";
    BOOST_TEST(fingerprint(retyped) != before);
    auto renamed = table;
    renamed.columns.back().name = "remark";
    BOOST_TEST(fingerprint(renamed) != before);
}

BOOST_AUTO_TEST_CASE(a_fingerprint_ignores_what_does_not_change_rows) {
    const auto table = table_with_key();
    auto other = table;
    other.columns.back().not_null = true;
    other.estimated_rows = 5;
    other.bytes = 123;
    BOOST_TEST(fingerprint(other) == fingerprint(table));
}
