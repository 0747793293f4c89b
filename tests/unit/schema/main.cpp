// main.cpp: entry point of the unit tests of applier/schema.
#define BOOST_TEST_MODULE schema
#include <boost/test/unit_test.hpp>
