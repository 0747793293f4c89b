// main.cpp: the test program of task/.
#define BOOST_TEST_MODULE task
#include <boost/test/unit_test.hpp>
