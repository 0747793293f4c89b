// main.cpp: entry point of the unit tests of applier/apply.
#define BOOST_TEST_MODULE apply
#include <boost/test/unit_test.hpp>
