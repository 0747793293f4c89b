// row_bindings_test.cpp: how values of a column become one array.
#include "target/postgres/row_bindings.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target;

BOOST_AUTO_TEST_SUITE(row_bindings)

BOOST_AUTO_TEST_CASE(a_domain_over_a_domain_travels_as_an_array_of_its_base_type) {
    Relation relation;
    relation.columns.resize(1);
    relation.columns[0].type_kind = 'd';
    relation.columns[0].type_oid = 16500;
    relation.columns[0].base_type_oid = 16499; // the inner domain: the stream names no more than that
    TablePlan plan;
    plan.relation = &relation;
    plan.columns.resize(1);
    plan.columns[0].target.type_oid = 17500;
    plan.columns[0].target.base_type_oid = 23;
    const std::vector<Value> row{{ValueKind::binary, std::string_view("\0\0\0\1", 4)}};
    const std::vector<Row> rows{row};
    const auto types = element_types(plan, {0}, rows);
    BOOST_REQUIRE(types.has_value());
    BOOST_TEST(types->front() == 23u);
}

BOOST_AUTO_TEST_SUITE_END()
