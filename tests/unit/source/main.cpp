// main.cpp: entry point of the unit tests of applier/source.
#define BOOST_TEST_MODULE source
#include <boost/test/unit_test.hpp>
