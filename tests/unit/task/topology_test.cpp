// topology_test.cpp: sequences that meet after all, an origin taken for another task's, a way back that cannot be.
#include "sequence/disjoint.hpp"
#include "target/postgres/neighbours.hpp"
#include "task/reverse_possible.hpp"
#include "task/state_store.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using sequence::Course;
using sequence::disjoint;

BOOST_AUTO_TEST_SUITE(topology)

BOOST_AUTO_TEST_CASE(sequences_that_never_give_the_same_value) {
    const Course plain{1, 1, 1000, 10};
    BOOST_TEST(!disjoint(plain, plain));
    BOOST_TEST(disjoint(plain, Course{1, 1001, 2000, 1001}));
    BOOST_TEST(!disjoint(plain, Course{1, 1000, 2000, 1000}));
    BOOST_TEST(disjoint(Course{2, 1, 1000, 10}, Course{2, 1, 1000, 11}));
    BOOST_TEST(!disjoint(Course{2, 1, 1000, 10}, Course{2, 1, 1000, 12}));
    BOOST_TEST(!disjoint(Course{2, 1, 1000, 10}, Course{4, 1, 1000, 11}));
    BOOST_TEST(disjoint(Course{-3, -1000, 500, 500}, Course{-3, -1000, 500, -20})); // remainders 2 and 1
    BOOST_TEST(disjoint(Course{-3, -1000, 500, -1}, Course{3, -1000, 500, 3}));
    BOOST_TEST(!disjoint(Course{2, 1, 1000, 10, true}, Course{2, 1, 1000, 11, true}));
    BOOST_TEST(disjoint(Course{1, 1, 1000, 10, true}, Course{1, 1001, 2000, 1001, true}));
}

BOOST_AUTO_TEST_CASE(statements_that_make_them_take_turns) {
    const sequence::Sequence sequence{{"public", "s"}, {"shop", "s"}};
    const auto turns = sequence::separate(sequence, {1, 1, INT64_MAX, 41}, {1, 1, INT64_MAX, 3000});
    BOOST_TEST_REQUIRE(turns.has_value());
    BOOST_TEST(turns->source == "ALTER SEQUENCE \"public\".\"s\" INCREMENT BY 2 RESTART WITH 4000;");
    BOOST_TEST(turns->target == "ALTER SEQUENCE \"shop\".\"s\" INCREMENT BY 2 RESTART WITH 4001;");
    const auto down = sequence::separate(sequence, {-5, -100000, 500, 7}, {-5, -100000, 500, 2});
    BOOST_TEST_REQUIRE(down.has_value());
    BOOST_TEST(down->source == "ALTER SEQUENCE \"public\".\"s\" INCREMENT BY -5 RESTART WITH -1000;");
    BOOST_TEST(!sequence::separate(sequence, {1, 1, 32767, 32000}, {1, 1, 32767, 1}).has_value());
}

BOOST_AUTO_TEST_CASE(origins_and_their_tasks) {
    BOOST_TEST(target::task_of_origin("walbridge_orders") == "orders");
    BOOST_TEST(target::task_of_origin("walbridge_orders:2") == "orders");
    BOOST_TEST(target::task_of_origin("walbridge_orders_back:copy1") == "orders_back");
    BOOST_TEST(target::task_of_origin("pg_16400") == "");
    BOOST_TEST(target::task_of_origin("#7") == "");
}

BOOST_AUTO_TEST_CASE(what_has_no_way_back) {
    TaskConfig config;
    config.name = "orders";
    BOOST_TEST(!task::reverse_obstacle(config).has_value());
    config.names.add_schema("a", "x");
    BOOST_TEST(!task::reverse_obstacle(config).has_value());
    config.names.add_schema("b", "x");
    BOOST_TEST(task::reverse_obstacle(config).value().find("both x") != std::string::npos);
    config.names = {};
    config.incremental_stage = false;
    BOOST_TEST(task::reverse_obstacle(config).has_value());
    config.incremental_stage = true;
    config.reverse_of = "other";
    BOOST_TEST(task::reverse_obstacle(config).value().find("other") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_task_writes_is_stored_and_read_back) {
    TaskConfig config;
    config.objects.include = {"public.*", "\"My \"\"Shop\".t"};
    config.objects.exclude = {"public.tmp_*"};
    config.names.add_schema("public", "crm");
    config.names.add_table({"public", "a\"b"}, {"x", "y.z"});
    const auto read = task::read_objects(task::objects_json(config));
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(read->include == config.objects.include, boost::test_tools::per_element());
    BOOST_TEST(read->exclude == config.objects.exclude, boost::test_tools::per_element());
    BOOST_TEST((read->names.table({"public", "a\"b"}) == QualifiedName{"x", "y.z"}));
    BOOST_TEST((read->names.table({"public", "c"}) == QualifiedName{"crm", "c"}));
    BOOST_TEST(!task::read_objects("").has_value());
    BOOST_TEST(!task::read_objects("[]").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
