// main.cpp: the test program of base/.
#define BOOST_TEST_MODULE base
#include <boost/test/unit_test.hpp>
