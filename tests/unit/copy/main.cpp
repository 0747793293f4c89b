// main.cpp: entry point of the unit tests of applier/copy.
#define BOOST_TEST_MODULE copy
#include <boost/test/unit_test.hpp>
