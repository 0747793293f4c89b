// Columns are matched by name; what they are compared by must have one type on both sides.
#include "verify/digest.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

namespace walbridge::verify {
namespace {

source::Column column(std::string name, std::uint32_t oid, std::string type) {
    source::Column made;
    made.name = std::move(name);
    made.type_oid = oid;
    made.type = std::move(type);
    return made;
}

source::Table table(std::vector<source::Column> columns) {
    source::Table made;
    made.columns = std::move(columns);
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(digest)

BOOST_AUTO_TEST_CASE(columns_are_matched_by_name) {
    const auto pairs =
        pair_columns(table({column("a", 23, "integer"), column("b", 25, "text")}),
                     table({column("b", 25, "text"), column("x", 23, "integer"), column("a", 23, "integer")}));
    BOOST_REQUIRE_EQUAL(pairs.size(), 2);
    BOOST_TEST(pairs[0].name == "a");
    BOOST_TEST(pairs[0].type == 23);
    BOOST_CHECK_THROW((void)pair_columns(table({column("a", 23, "integer")}), table({})), Error);
}

BOOST_AUTO_TEST_CASE(a_value_is_cast_to_what_it_becomes_on_the_target) {
    const auto pairs = pair_columns(table({column("a", 23, "integer")}), table({column("a", 1700, "numeric(10,2)")}));
    BOOST_TEST(pairs[0].source == "(\"a\"::numeric(10,2))");
    BOOST_TEST(pairs[0].target == "\"a\"");
    BOOST_TEST(pairs[0].type == 1700);
}

BOOST_AUTO_TEST_CASE(types_of_users_are_compared_as_text) {
    const auto pairs =
        pair_columns(table({column("a", 20000, "public.mood")}), table({column("a", 30000, "crm.mood")}));
    BOOST_TEST(pairs[0].source == "(\"a\"::text)");
    BOOST_TEST(pairs[0].type == 0);
}

BOOST_AUTO_TEST_CASE(each_column_has_a_seed_of_its_own) {
    const auto pairs = pair_columns(table({column("a", 23, "integer"), column("b", 23, "integer")}),
                                    table({column("a", 23, "integer"), column("b", 23, "integer")}));
    const auto sql = digest_sql(pairs, Side::source, DigestForm::hashed);
    BOOST_TEST(sql.find("hashint4extended(\"a\", 1)") != std::string::npos);
    BOOST_TEST(sql.find("hashint4extended(\"b\", 2)") != std::string::npos);
    BOOST_TEST(digest_sql({}, Side::source, DigestForm::hashed) == "0::bigint");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::verify
