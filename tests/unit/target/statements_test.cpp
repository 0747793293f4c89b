// statements_test.cpp: the SQL of row and set statements.
#include "target/postgres/statements.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target;

namespace {

TargetColumn column(const char *name, std::uint32_t type, const char *type_name, bool exact) {
    TargetColumn made;
    made.name = name;
    made.type_schema = "pg_catalog";
    made.type_name = type_name;
    made.type_oid = made.base_type_oid = type;
    made.exact_equality = exact;
    made.has_equality = true;
    return made;
}

TablePlan plan(Lookup lookup) {
    TablePlan made;
    made.table.name = {"public", "t"};
    made.table.columns = {column("id", 23, "int4", true), column("bits", 1560, "bit", true),
                          column("n", 1700, "numeric", false)};
    for (std::uint32_t index = 0; index < 3; ++index) {
        PlannedColumn planned;
        planned.source = index;
        planned.target = made.table.columns[index];
        planned.key = index == 0;
        made.columns.push_back(planned);
    }
    made.key = {0};
    made.lookup = lookup;
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(statement_texts)

BOOST_AUTO_TEST_CASE(types_are_never_written_as_keywords_with_an_implied_length) {
    BOOST_TEST(statements::insert_row(plan(Lookup::unique_key), {1}) ==
               R"(INSERT INTO "public"."t" ("bits") OVERRIDING SYSTEM VALUE VALUES ($1::"pg_catalog"."bit"))");
}

BOOST_AUTO_TEST_CASE(an_update_by_key_numbers_the_key_after_the_values) {
    BOOST_TEST(statements::update_row(plan(Lookup::unique_key), {2}, {}) ==
               R"(UPDATE ONLY "public"."t" SET "n" = $1::"pg_catalog"."numeric" WHERE "id" = $2::"pg_catalog"."int4")");
}

BOOST_AUTO_TEST_CASE(a_full_row_lookup_changes_one_row_and_tells_equal_numerics_apart) {
    const auto sql = statements::delete_row(plan(Lookup::full_row), {false, true, false});
    BOOST_TEST(sql.find("WHERE ctid = (SELECT ctid FROM ONLY") != std::string::npos);
    BOOST_TEST(sql.find("LIMIT 1)") != std::string::npos);
    BOOST_TEST(sql.find("\"bits\" IS NOT DISTINCT FROM NULL") != std::string::npos);
    BOOST_TEST(sql.find("\"n\"::pg_catalog.text COLLATE \"C\" = $2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_partitioned_target_is_addressed_without_only) {
    auto partitioned = plan(Lookup::unique_key);
    partitioned.table.kind = 'p';
    BOOST_TEST(statements::delete_row(partitioned, {}).find("ONLY") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(set_statements_cast_text_elements_and_leave_native_ones) {
    BOOST_TEST(
        statements::insert_set(plan(Lookup::unique_key), {0, 2}, {23, 25}) ==
        R"(INSERT INTO "public"."t" ("id", "n") OVERRIDING SYSTEM VALUE SELECT u.c1, u.c2::"pg_catalog"."numeric" FROM )"
        R"(ROWS FROM (pg_catalog.unnest($1::pg_catalog."int4"[]), pg_catalog.unnest($2::pg_catalog."text"[])) AS u(c1, c2))");
    BOOST_TEST(statements::update_set(plan(Lookup::unique_key), {2}, {1700, 23}).find(R"(WHERE t."id" = u.c2)") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_value_of_another_type_passes_through_its_text) {
    auto converting = plan(Lookup::unique_key);
    converting.columns[2].same_type = false;
    converting.columns[2].source_type = "\"pg_catalog\".\"int8\"";
    BOOST_TEST(statements::insert_row(converting, {2})
                   .find(R"($1::"pg_catalog"."int8"::pg_catalog.text::"pg_catalog"."numeric")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_replaced_row_keeps_the_columns_that_no_change_carries) {
    auto made = plan(Lookup::unique_key);
    made.table.columns.push_back(column("own", 25, "text", true));
    made.table.columns.push_back(column("derived", 25, "text", true));
    made.table.columns.back().generated = true;
    BOOST_TEST(statements::replace_row(made, {2}, {false, false, false}) ==
               R"(WITH old_row AS (DELETE FROM ONLY "public"."t" WHERE "id" = $2::"pg_catalog"."int4" RETURNING *) )"
               R"(INSERT INTO "public"."t" ("id", "bits", "n", "own") OVERRIDING SYSTEM VALUE )"
               R"(SELECT old_row."id", old_row."bits", $1::"pg_catalog"."numeric", old_row."own" FROM old_row)");
}

BOOST_AUTO_TEST_CASE(a_statement_proves_its_own_row_count) {
    const auto sql = statements::proven("DELETE FROM t WHERE id = $1", 2);
    BOOST_TEST(sql.starts_with("WITH changed AS (DELETE FROM t WHERE id = $1 RETURNING 1) SELECT "));
    BOOST_TEST(sql.find("= $2") != std::string::npos);
    BOOST_TEST(statements::proven("SELECT 1 FROM t", 1).find("RETURNING") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
