// main.cpp: entry point of the unit tests of applier/stream.
#define BOOST_TEST_MODULE stream
#include <boost/test/unit_test.hpp>
