// main.cpp: entry point of the unit tests of applier/target.
#define BOOST_TEST_MODULE target
#include <boost/test/unit_test.hpp>
