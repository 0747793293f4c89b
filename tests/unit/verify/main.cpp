// main.cpp: entry point of the unit tests of applier/verify.
#define BOOST_TEST_MODULE verify
#include <boost/test/unit_test.hpp>
